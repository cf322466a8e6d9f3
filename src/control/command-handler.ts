/** What a handler of a command is, and what several handlers share. */
import type { DiskArray, Owner } from '../array/disk-array.js';
import type { ParsedCommand } from './command-parser.js';

/** Who gives a command: volumes it makes belong to `owner`, or to the array's owner. */
export interface CommandContext {
  readonly owner: Owner | undefined;
}

/** Resolves with the text after `ok`. */
export type Handler = (
  array: DiskArray,
  command: ParsedCommand,
  context: CommandContext,
) => Promise<string>;

/** An optional property that is absent rather than undefined. */
export function given<Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): { readonly [K in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [K in Key]?: Value };
}
