/** Faults as users write and read them: ranges, delays, sense data, and a fault as a line. */
import { ArrayError } from '../base/errors.js';
import { printable } from '../base/names.js';
import { parseSize } from '../base/sizes.js';
import type { Fault, FaultRange, FaultSense } from './faults.js';

/** `16K-32K`: bytes from the first to before the second. EINVAL for anything else, as below. */
export function parseFaultRange(text: string): FaultRange {
  const [, start, end] = /^(\w+)-(\w+)$/.exec(text) ?? [];
  if (start === undefined || end === undefined) {
    throw new ArrayError('EINVAL', `'${printable(text)}' is no range: START-END, as in 16K-32K`);
  }
  return { start: parseSize(start), end: parseSize(end) };
}

/** `50`, `50ms` or `2s`. */
export function parseDelay(text: string): number {
  const [, number, unit] = /^(\d{1,9})(ms|s)?$/.exec(text) ?? [];
  if (number === undefined) {
    throw new ArrayError('EINVAL', `'${printable(text)}' is no delay: milliseconds, or as 2s`);
  }
  return Number(number) * (unit === 's' ? 1_000 : 1);
}

/** Sense key, additional sense code and its qualifier in hexadecimal: `3/11/00`. */
export function parseFaultSense(text: string): FaultSense {
  const [, key, asc, ascq] = /^(0?[0-9a-f])\/([0-9a-f]{1,2})\/([0-9a-f]{1,2})$/i.exec(text) ?? [];
  if (key === undefined || asc === undefined || ascq === undefined) {
    throw new ArrayError('EINVAL', `'${printable(text)}' is no sense: KEY/ASC/ASCQ, as in 3/11/00`);
  }
  const value = (digits: string) => Number.parseInt(digits, 16);
  return { key: value(key), asc: value(asc), ascq: value(ascq) };
}

/** `03/11/00`. */
export function senseText({ key, asc, ascq }: FaultSense): string {
  return [key, asc, ascq].map((value) => value.toString(16).padStart(2, '0')).join('/');
}

/** `delay of 50 ms at volume:db, 2 times, in 0-4096`. */
export function describeFault({ kind, target, count, range, delayMs, sense }: Fault): string {
  const codes = sense && senseText(sense);
  return [
    `${kind}${delayMs === undefined ? '' : ` of ${delayMs} ms`}${codes ? ` ${codes}` : ''}`,
    ` at ${target.kind}:${target.name}`,
    count === undefined ? '' : `, ${count} ${count === 1 ? 'time' : 'times'}`,
    range === undefined ? '' : `, in ${range.start}-${range.end}`,
  ].join('');
}
