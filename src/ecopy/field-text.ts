/** Fields of SCSI structures as lines for people: `allocation length: 255 (FFh)`. */
import { printable } from '../base/names.js';
import { viewOf, type WireLayout } from './wire-field.js';

const BYTES_OF_A_LINE = 16;

/** The fields that are whole in `bytes`, a line each. */
export function fieldLines(layout: WireLayout, bytes: Uint8Array): string[] {
  const view = viewOf(bytes);
  return Object.entries(layout)
    .filter(([, field]) => field.offset + field.bytes <= view.length)
    .map(([name, field]) => `${words(name)}: ${valueText(field.read(view))}`);
}

/** Values that have been decoded already, in the same form. */
export function valueLines(values: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(values).map(([name, value]) => `${words(name)}: ${valueText(value)}`);
}

/** `0010: 01 02 ...`, 16 bytes in a line. */
export function hexLines(bytes: Uint8Array): string[] {
  const count = Math.ceil(bytes.length / BYTES_OF_A_LINE);
  return Array.from({ length: count }, (_, line) => {
    const start = line * BYTES_OF_A_LINE;
    const row = [...bytes.subarray(start, start + BYTES_OF_A_LINE)].map(hexByte).join(' ');
    return `${start.toString(16).toUpperCase().padStart(4, '0')}: ${row}`;
  });
}

/** Type codes and the like: `00h 02h E4h`. */
export function codesText(codes: Iterable<number>): string {
  return [...codes].map((code) => `${hexByte(code)}h`).join(' ');
}

export function hexByte(value: number): string {
  return value.toString(16).toUpperCase().padStart(2, '0');
}

/** Text of a device, which may hold any bytes. */
export function plainText(bytes: Uint8Array): string {
  return printable(Buffer.from(bytes).toString('utf8')).trimEnd();
}

/** `allocationLength` as `allocation length`. */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function valueText(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return plainText(Buffer.from(value));
  if (Array.isArray(value)) return codesText(value as number[]);
  const digits = String(value);
  return digits.length < 2 ? digits : `${digits} (${hexByte(value as number)}h)`;
}
