/**
 * What a row of the command table is made of, the words that several rows share, and the usage line
 * of a row. Data only: texts are for users, `kind` says what a word or value means.
 */

/** What a word names. Programs complete and check by it; the array has the last word. */
export type WordKind =
  | 'volume'
  | 'copy'
  | 'snapshot'
  | 'scrub-subject'
  | 'pair'
  | 'pair-or-now'
  | 'secondary'
  | 'new-name'
  | 'size'
  | 'job'
  | 'pool'
  | 'port'
  | 'controller'
  | 'port-group'
  | 'host'
  | 'device'
  | 'fault-target'
  | 'fault'
  | 'copy-or-medium'
  | 'volume-or-medium'
  | 'directory'
  | 'text';

export interface CommandWord {
  /** Upper case, as it stands in the usage line. */
  readonly name: string;
  readonly kind: WordKind;
  /** May come several times; only the last word of a row, at least once. */
  readonly repeat?: true;
  /** May be left out; only the last word of a row. */
  readonly optional?: true;
  readonly help: string;
}

/** `yes` takes only the value `yes`; `name` obeys the rules for names; `pool` is an existing pool; `number` a whole one. */
export type OptionKind =
  | 'yes'
  | 'text'
  | 'size'
  | 'name'
  | 'pool'
  | 'volume'
  | 'time'
  | 'base64'
  /** One sector or, one behind the other, one for each word. */
  | 'sectors'
  | 'number'
  | 'path'
  | 'ports'
  | 'lun'
  | 'uids'
  | 'host-or-any'
  | 'range'
  | 'delay'
  | 'sense';

export interface CommandOption {
  readonly name: string;
  readonly kind: OptionKind;
  /** The only values allowed, where it is a choice. */
  readonly values?: readonly string[];
  /** The command makes no sense without it. */
  readonly required?: true;
  readonly help: string;
}

export interface CommandExample {
  /** The text written to the control file. */
  readonly line: string;
  readonly meaning: string;
}

export type CommandGroup =
  | 'array'
  | 'pool'
  | 'volume'
  | 'snapshot'
  | 'pair'
  | 'info'
  | 'job'
  | 'san'
  | 'ecopy';

export interface CommandRow {
  /** The file in /ctl. */
  readonly name: string;
  /** `arrayfs GROUP VERB` is the same command on the command line. */
  readonly group: CommandGroup;
  readonly verb: string;
  readonly words: readonly CommandWord[];
  readonly options: readonly CommandOption[];
  /** One line, no full stop. */
  readonly summary: string;
  /** Lines of plain text. */
  readonly description: readonly string[];
  readonly examples: readonly CommandExample[];
  /** Refused with EROFS on an array mounted read-only. */
  readonly changesArray: boolean;
}

export const VOLUME: CommandWord = { name: 'VOLUME', kind: 'volume', help: 'a volume, or #NUMBER' };
export const SNAPSHOT: CommandWord = {
  name: 'VOLUME@SNAPSHOT',
  kind: 'snapshot',
  help: 'a snapshot of a volume, or #NUMBER',
};
export const COPY: CommandWord = {
  name: 'COPY',
  kind: 'copy',
  help: 'VOLUME, VOLUME@SNAPSHOT or #NUMBER',
};
export const NEW_NAME: CommandWord = {
  name: 'NEWNAME',
  kind: 'new-name',
  help: '1-64 characters of A-Z a-z 0-9 . _ - that no volume has',
};
export const SIZE: CommandWord = {
  name: 'SIZE',
  kind: 'size',
  help: 'bytes, or with K M G T; a multiple of 512, at most 16T',
};
export const LABEL: CommandOption = {
  name: 'label',
  kind: 'text',
  help: 'free text, at most 64 bytes',
};

/** `NAME SIZE [pool=NAME] [label=TEXT]`: what may be written to the control file. */
export function usageLine(command: CommandRow): string {
  const words = command.words.map((word) => {
    const repeated = word.repeat ? `${word.name}...` : word.name;
    return word.optional ? `[${repeated}]` : repeated;
  });
  const options = command.options.map((option) => {
    const text = `${option.name}=${optionPlaceholder(option)}`;
    return option.required ? text : `[${text}]`;
  });
  return [...words, ...options].join(' ');
}

/** What stands for an option's value in a usage line. */
export function optionPlaceholder(option: CommandOption): string {
  if (option.values !== undefined) return option.values.join('|');
  return option.kind === 'yes' ? 'yes' : option.kind.toUpperCase();
}
