/**
 * The device type specific parameters of a target descriptor, its bytes 28-31 (SPC-2, 7.2.6.6-8):
 *
 *   block devices (00h, 04h, 05h, 07h, 0Eh)  28: PAD (2)             29-31 block length
 *   tape (01h)                               28: PAD (2), FIXED (0)  29-31 stream block length
 *   processor (03h)                          28: PAD (2)
 *
 * Offsets count from the start of the descriptor, which is what field pointers need.
 */
import { bit, readFields, u24, type WireLayout, writeFields } from './wire-field.js';

const BLOCK_TYPES: readonly number[] = [0x00, 0x04, 0x05, 0x07, 0x0e];
export const DISK_TYPE = 0x00;
export const TAPE_TYPE = 0x01;
export const PROCESSOR_TYPE = 0x03;

/** `pad`: fill the last, partial block up with zeros, or let the rest of one go (table 30). */
export type DeviceParameters =
  /** 0 bytes, on a disk that is there: as READ CAPACITY says. */
  | { readonly class: 'block'; readonly pad: boolean; readonly blockBytes: number }
  /** `fixed`: the transfer length counts blocks of `blockBytes`; else bytes, and that is 0. */
  | {
      readonly class: 'tape';
      readonly pad: boolean;
      readonly fixed: boolean;
      readonly blockBytes: number;
    }
  | { readonly class: 'processor'; readonly pad: boolean };

const PAD = bit(28, 2);
const LAYOUTS = {
  block: { pad: PAD, blockBytes: u24(29) },
  tape: { pad: PAD, fixed: bit(28, 0), blockBytes: u24(29) },
  processor: { pad: PAD },
} as const;

/** Undefined for a reserved peripheral device type. */
function deviceClass(deviceType: number): DeviceParameters['class'] | undefined {
  if (BLOCK_TYPES.includes(deviceType)) return 'block';
  if (deviceType === TAPE_TYPE) return 'tape';
  return deviceType === PROCESSOR_TYPE ? 'processor' : undefined;
}

/** Of a whole descriptor; a number is the offset of the field that is not allowed. */
export function readParameters(
  view: Buffer,
  deviceType: number,
  nul: boolean,
): DeviceParameters | number {
  switch (deviceClass(deviceType)) {
    case 'block': {
      const fields = readFields(LAYOUTS.block, view);
      if (fields.blockBytes === 0 && (nul || deviceType !== DISK_TYPE))
        return LAYOUTS.block.blockBytes.offset;
      return { class: 'block', ...fields };
    }
    case 'tape': {
      const fields = readFields(LAYOUTS.tape, view);
      if (fields.fixed !== fields.blockBytes > 0) return LAYOUTS.tape.blockBytes.offset;
      return { class: 'tape', ...fields };
    }
    case 'processor':
      return { class: 'processor', ...readFields(LAYOUTS.processor, view) };
    default:
      return 1;
  }
}

export function writeParameters(view: Buffer, parameters: DeviceParameters): void {
  writeFields<WireLayout>(LAYOUTS[parameters.class], view, { ...parameters });
}
