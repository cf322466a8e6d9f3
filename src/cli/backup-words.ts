/** What the words of `arrayfs backup` have in common: names to complete, numbers, paths. */
import { resolve } from 'node:path';
import { Argument, InvalidArgumentError, Option } from 'commander';
import { type CompletionKind, completeWith } from './completion-kinds.js';

export function namedArgument(name: string, kind: CompletionKind, help: string): Argument {
  const argument = new Argument(name, help);
  completeWith(argument, kind);
  return argument;
}

export function namedOption(flags: string, kind: CompletionKind, help: string): Option {
  const option = new Option(flags, help);
  completeWith(option, kind);
  return option;
}

/** Of an option that is given several times. */
export function collected(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

export function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError('Not a number from 1 on.');
  return Number(text);
}

/** A path as the client sees it, where the command is given on the client's machine. */
export function absolutePath(path: string): string {
  return resolve(path);
}

/** A name stays, a path becomes an absolute one. */
export function nameOrPath(text: string): string {
  return text.includes('/') ? resolve(text) : text;
}
