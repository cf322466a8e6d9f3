/** UUIDs and NAA identifiers as bytes and text. */
import type { Clock } from './clock.js';

/** 16 bytes of a random (version 4) UUID. */
export function newUuid(clock: Clock): Uint8Array {
  const bytes = clock.randomBytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes;
}

/** Lower-case canonical text of a UUID. */
export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
    .join('-')
    .toLowerCase();
}

/**
 * NAA IEEE registered extended identifier (SPC-3, 7.6.3.6.5) as 32 hex digits: type 6, company id 0
 * (locally chosen), then the array's serial (12 digits) and the volume number (13 digits).
 */
export function naaText(serial: string, number: number): string {
  return `6000000${serial}${number.toString(16).padStart(13, '0')}`;
}
