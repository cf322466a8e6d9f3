/** Builds parameter lists from hex, independently of the encoder; any length in the header can lie. */
import { encodeSense, SenseError } from '../../src/ecopy/sense.js';
import { bytesOf, hexOf } from './worked-examples.js';

/** 512-byte disk and variable tape by port name; NAA disk. */
export const DISK = `e0000000 ${'00'.repeat(8)} 5000aa0000000010 ${'00'.repeat(8)} 00000200`;
export const TAPE = `e0010000 ${'00'.repeat(8)} 5000aa0000000020 ${'00'.repeat(8)} 00000000`;
export const NAA_DISK = `e4000000 01030008 5000aa0000000031 ${'00'.repeat(12)} 00000200`;
/** One block of target 0 to target 0. */
export const COPY_SEGMENT = `02000018 0000 0000 0000 0001 ${'00'.repeat(8)} 0000000000000008`;

export interface ListParts {
  readonly flags?: string;
  readonly targets?: readonly string[];
  readonly segments?: readonly string[];
  readonly inline?: string;
  /** Instead of the true lengths. */
  readonly targetBytes?: number;
  readonly segmentBytes?: number;
  readonly inlineBytes?: number;
}

/** A standard list. */
export function listOf(parts: ListParts): Uint8Array {
  const targets = bytesOf((parts.targets ?? []).join(''));
  const segments = bytesOf((parts.segments ?? []).join(''));
  const inline = bytesOf(parts.inline ?? '');
  const header = Buffer.alloc(16);
  header.write(parts.flags ?? '0100', 'hex');
  header.writeUInt16BE(parts.targetBytes ?? targets.length, 2);
  header.writeUInt32BE(parts.segmentBytes ?? segments.length, 8);
  header.writeUInt32BE(parts.inlineBytes ?? inline.length, 12);
  return new Uint8Array(Buffer.concat([header, targets, segments, inline]));
}

/** Replaces bytes of hex from a byte on. */
export function patched(hex: string, byte: number, digits: string): string {
  const bytes = Buffer.from(bytesOf(hex));
  bytes.write(digits, byte, 'hex');
  return hexOf(bytes);
}

/** The sense an action ends with, as hex; `none` where it succeeds. Other errors pass. */
export function senseOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof SenseError) return hexOf(encodeSense(error.sense));
    throw error;
  }
  return 'none';
}

/** 18 bytes of sense by hand: key, codes, segment number, and bytes 15-17. */
export function sense(key: string, codes: string, pointer = '000000', segment = '0000'): string {
  return hexOf(bytesOf(`7000 ${key} 00000000 0a 00000000`))
    .slice(0, 20)
    .concat(segment, codes.replace(/\W/g, ''), '00', pointer);
}
