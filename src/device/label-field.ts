/**
 * Fields of tape labels: 80 characters of ASCII, character positions (CP) counted from 1 as in
 * ECMA-13. Texts are left-justified and filled with spaces, numbers right-justified with zeros.
 */
import { DeviceError } from './device-error.js';

export const LABEL_BYTES = 80;
/** The a-characters, which every system can read. */
const INTERCHANGE = /^[A-Z0-9 !"%&'()*+,\-./:;<=>?_]*$/;
const DAY_MS = 86_400_000;

export interface LabelField<T> {
  read(label: string): T;
  write(value: T): { readonly at: number; readonly text: string };
}

export type LabelLayout = Readonly<Record<string, LabelField<unknown>>>;
export type LabelValues<L> = {
  readonly [K in keyof L]: L[K] extends { read(label: string): infer T } ? T : never;
};

/** Too long a text, and characters that are not a-characters, are refused on writing: EINVAL. */
export function text(at: number, length: number): LabelField<string> {
  return {
    read: (label) => slice(label, at, length).trimEnd(),
    write: (value) => {
      if (value.length > length || !INTERCHANGE.test(value)) {
        throw new DeviceError(
          'invalid',
          `not a text of ${length} characters for a label: '${value}'`,
        );
      }
      return { at, text: value.padEnd(length) };
    },
  };
}

/** Spaces are 0, as some systems write them. A number too large is EINVAL, unless it wraps. */
export function digits(at: number, length: number, wraps = false): LabelField<number> {
  return {
    read: (label) => {
      const field = slice(label, at, length).trim();
      if (!/^\d*$/.test(field))
        throw new DeviceError('damaged', `a label has no number: '${field}'`);
      return Number(field);
    },
    write: (value) => {
      const written = `${wraps ? value % 10 ** length : value}`.padStart(length, '0');
      if (written.length > length) {
        throw new DeviceError(
          'invalid',
          `${value} has more than the ${length} digits of its label`,
        );
      }
      return { at, text: written };
    },
  };
}

/**
 * `cyyddd`: century (space 19, 0 20, 1 21), year, day of the year. The midnight (UTC) in ms since
 * 1970; undefined is the day that is always past.
 */
export function labelDate(at: number): LabelField<number | undefined> {
  return {
    read: (label) => dateMs(slice(label, at, 6)),
    write: (value) => ({ at, text: value === undefined ? ' 00000' : dateText(value) }),
  };
}

/** A label that begins with `identifier`; what no field fills is spaces. */
export function writeLabel<L extends LabelLayout>(
  identifier: string,
  layout: L,
  values: LabelValues<L>,
): Uint8Array {
  const label = Buffer.from(identifier.padEnd(LABEL_BYTES), 'latin1');
  for (const [name, field] of Object.entries(layout)) {
    const written = field.write(values[name as keyof L]);
    label.write(written.text, written.at - 1, 'latin1');
  }
  return label;
}

export function readLabel<L extends LabelLayout>(layout: L, label: string): LabelValues<L> {
  const entries = Object.entries(layout).map(([name, field]) => [name, field.read(label)]);
  return Object.fromEntries(entries) as LabelValues<L>;
}

function slice(label: string, at: number, length: number): string {
  return label.slice(at - 1, at - 1 + length);
}

function dateMs(field: string): number | undefined {
  const [, century = '', year = '', day = ''] = /^([ 0-9])(\d\d)(\d{3})$/.exec(field) ?? [];
  if (Number(day) < 1 || Number(day) > 366) return undefined;
  const hundreds = century === ' ' ? 19 : 20 + Number(century);
  return Date.UTC(hundreds * 100 + Number(year), 0, 1) + (Number(day) - 1) * DAY_MS;
}

function dateText(ms: number): string {
  const year = new Date(ms).getUTCFullYear();
  const day = Math.floor((ms - Date.UTC(year, 0, 1)) / DAY_MS) + 1;
  const century = year < 2000 ? ' ' : `${Math.floor(year / 100) - 20}`;
  const yearText = `${year % 100}`.padStart(2, '0');
  return `${century}${yearText}${`${day}`.padStart(3, '0')}`;
}
