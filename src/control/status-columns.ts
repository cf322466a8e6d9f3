/** Columns that several status tables share: plain values, sizes, times, and the copies' columns. */
import type { CopyView } from '../array/disk-array.js';
import { isoTime } from '../base/clock.js';
import { printable } from '../base/names.js';
import { formatSize } from '../base/sizes.js';
import { decodeVolumeInfo, isVolumeInfo } from '../volume/volume-info.js';
import type { Column, Json } from './table-layout.js';

type Scalar = string | number | boolean | null;

/** A value shown as it is; null as `-`. */
export function plain<Row>(header: string, key: string, value: (row: Row) => Scalar): Column<Row> {
  return {
    header,
    alignRight: false,
    text: (row) => printable(String(value(row) ?? '-')),
    json: (row) => ({ [key]: value(row) }),
  };
}

/** A count, aligned to the right. */
export function count<Row>(header: string, key: string, value: (row: Row) => number): Column<Row> {
  return { ...plain(header, key, value), alignRight: true };
}

/** Bytes: `1.5G` in text, the exact number in JSON. */
export function size<Row>(header: string, key: string, value: (row: Row) => number): Column<Row> {
  return {
    header,
    alignRight: true,
    text: (row) => formatSize(value(row)),
    json: (row) => ({ [key]: value(row) }),
  };
}

/** Bytes a second; nothing where there are none. */
export function rate<Row>(header: string, key: string, value: (row: Row) => number): Column<Row> {
  return {
    header,
    alignRight: true,
    text: (row) => (value(row) > 0 ? `${formatSize(value(row))}/s` : '-'),
    json: (row) => ({ [key]: value(row) }),
  };
}

/** A time: ISO in text, ISO as `key` and milliseconds as `keyMs` in JSON. */
export function time<Row>(
  header: string,
  key: string,
  value: (row: Row) => number | undefined,
): Column<Row> {
  return {
    header,
    text: (row) => isoSeconds(value(row)),
    json: (row) => timeJson(key, value(row)),
  };
}

/** Only in JSON. */
export function hidden<Row>(json: (row: Row) => { readonly [key: string]: Json }): Column<Row> {
  return { json };
}

export function timeJson(key: string, ms: number | undefined): { readonly [key: string]: Json } {
  const iso = ms === undefined ? null : isoTime(ms);
  return { [key]: iso, [`${key}Ms`]: ms ?? null };
}

function isoSeconds(ms: number | undefined): string {
  return ms === undefined ? '-' : `${isoTime(ms).slice(0, 19)}Z`;
}

/** Volume information 376 of [004 fig. 7]: what is stored, and whether the content changed since. */
export function information<Row extends CopyView>(): Column<Row> {
  return {
    header: 'INFORMATION',
    text: (copy) => {
      const summary = summaryOf(copy);
      if (summary === undefined) return '-';
      return `${summary.text}${copy.infoModified ? ', modified since' : ''}`;
    },
    json: (copy) => {
      const summary = summaryOf(copy);
      if (summary === undefined) return { info: null };
      return { info: { ...summary.json, modifiedSinceStored: copy.infoModified } };
    },
  };
}

interface InfoSummary {
  readonly text: string;
  readonly json: { readonly [key: string]: Json };
}

function summaryOf(copy: CopyView): InfoSummary | undefined {
  if (copy.info === undefined) return undefined;
  if (!isVolumeInfo(copy.info)) return { text: 'stored', json: { format: 'other' } };
  try {
    const info = decodeVolumeInfo(copy.info);
    return {
      text: printable(info.label) || 'stored',
      json: { format: 'AFSVINF1', label: info.label, ...timeJson('timeStamp', info.timeStampMs) },
    };
  } catch {
    return { text: 'damaged', json: { format: 'damaged' } };
  }
}

/** Identity and times, the same for volumes and snapshots; only in JSON. */
export function identity<Row extends CopyView>(): Column<Row> {
  return hidden((copy) => ({
    uuid: copy.uuid,
    naa: copy.naa,
    mode: copy.mode & 0o7777,
    uid: copy.uid,
    gid: copy.gid,
    openCount: copy.openCount,
    ...timeJson('modified', copy.modifiedMs),
  }));
}

/**
 * Ascending numbers as `#4 #6-9 #12`; a list that would be long is cut after whole ranges and ends with
 * its count: a volume with a thousand snapshots still fits a line.
 */
export function numberRanges(numbers: readonly number[], charactersMax: number): string {
  let text = '';
  let index = 0;
  while (index < numbers.length) {
    const first = numbers[index] as number;
    let last = first;
    while (numbers[index + 1] === last + 1) {
      last += 1;
      index += 1;
    }
    index += 1;
    const range = first === last ? `#${first}` : `#${first}-${last}`;
    if (text.length + range.length + 1 > charactersMax) return `${text} ... (${numbers.length})`;
    text = text === '' ? range : `${text} ${range}`;
  }
  return text;
}
