/**
 * Text of one command -> words and options, checked against its row of the command table. Grammar:
 *
 *   line   = [ item *( blanks item ) ] [ newline ]
 *   item   = text | key "=" text          key: a-z and -, always unquoted
 *   text   = plain | quoted               plain: no blank, no double quote
 *   quoted = '"' *( any but '"' and '\' | '\"' | '\\' ) '"'
 *
 * Blanks are spaces and tabs. Every problem is EINVAL; whoever shows it adds the line (shownLine).
 */
import { ArrayError } from '../base/errors.js';
import { COMMAND_BYTES_MAX, COMMAND_VOLUMES_MAX } from '../base/limits.js';
import { printable } from '../base/names.js';
import type { Command } from './command-table.js';
import { checkOptionValue, checkWord } from './command-values.js';

const SHOWN_CHARACTERS_MAX = 120;
const BLANKS = /[ \t]*/y;
/** Matched where a blank is not: so it never matches nothing. */
const ITEM = /(?:([a-z][a-z-]*)=)?(?:"((?:[^"\\]|\\["\\])*)"|([^ \t"]*))(?=[ \t]|$)/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the subject.
const CONTROL_CHARACTER = /[\u0000-\u0008\u000a-\u001f\u007f]/;

export interface ParsedCommand {
  readonly command: Command;
  /** The first of the words, empty where the command has none. */
  readonly subject: string;
  readonly words: readonly string[];
  readonly options: ReadonlyMap<string, string>;
}

/** Parses what was written to the control file of `command`. */
export function parseCommand(command: Command, data: Uint8Array): ParsedCommand {
  const { words, options } = splitLine(lineOf(data));
  checkWords(command, words);
  for (const [name, value] of options) checkOption(command, name, value);
  return { command, subject: words[0] ?? '', words, options };
}

/**
 * Whether `data` may be the beginning of a longer command: text, no newline, within the limit. It may
 * end inside a character.
 */
export function mayContinue(data: Uint8Array): boolean {
  if (data.length >= COMMAND_BYTES_MAX) return false;
  return data.every((byte) => (byte >= 0x20 && byte !== 0x7f) || byte === 0x09);
}

/** The line for a message: one line, no control characters, shortened. */
export function shownLine(data: Uint8Array): string {
  const head = Buffer.from(data.subarray(0, SHOWN_CHARACTERS_MAX * 4)).toString('utf8');
  const text = printable(head.replace(/\n$/, ''));
  if (text.length <= SHOWN_CHARACTERS_MAX && data.length <= SHOWN_CHARACTERS_MAX * 4) return text;
  return `${text.slice(0, SHOWN_CHARACTERS_MAX)}... (${data.length} bytes)`;
}

export interface SplitLine {
  readonly words: readonly string[];
  readonly options: ReadonlyMap<string, string>;
}

/** Words and options of a line without its newline; knows nothing of commands. */
export function splitLine(line: string): SplitLine {
  const words: string[] = [];
  const options = new Map<string, string>();
  const text = line.replace(/[ \t]+$/, '');
  let position = afterBlanks(text, 0);
  while (position < text.length) {
    ITEM.lastIndex = position;
    const match = ITEM.exec(text);
    if (match === null) throw invalid(quoteProblem(text.slice(position)));
    position = afterBlanks(text, ITEM.lastIndex);
    const [, key, quoted, plain] = match;
    const value = quoted === undefined ? (plain ?? '') : quoted.replace(/\\(["\\])/g, '$1');
    if (key === undefined) words.push(value);
    else if (options.has(key)) throw invalid(`option ${key}= is given twice`);
    else options.set(key, value);
  }
  return { words, options };
}

function afterBlanks(text: string, position: number): number {
  BLANKS.lastIndex = position;
  BLANKS.exec(text);
  return BLANKS.lastIndex;
}

/** Why no item begins at `rest`. */
function quoteProblem(rest: string): string {
  const quoted = rest.replace(/^[a-z][a-z-]*=(?=")/, '');
  if (!quoted.startsWith('"')) return 'a double quote stands inside a word: quote all of it';
  if (/^"(?:[^"\\]|\\["\\])*"/.test(quoted)) return 'a blank is missing after a closing quote';
  if (/^"(?:[^"\\]|\\["\\])*\\[^"\\]/.test(quoted)) {
    return 'inside quotes a backslash stands only before " and \\';
  }
  return 'a double quote is not closed';
}

function lineOf(data: Uint8Array): string {
  if (data.length > COMMAND_BYTES_MAX) {
    throw invalid(`a command has at most ${COMMAND_BYTES_MAX} bytes, not ${data.length}`);
  }
  const text = decodeUtf8(data).replace(/\n$/, '');
  if (text.includes('\n')) throw invalid('one write is one command, this one has several lines');
  if (CONTROL_CHARACTER.test(text)) throw invalid('a command has no control characters');
  return text;
}

function decodeUtf8(data: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    throw invalid('a command is UTF-8 text');
  }
}

function checkWords(command: Command, words: readonly string[]): void {
  const last = command.words.at(-1);
  const wordsMax = last?.repeat ? COMMAND_VOLUMES_MAX : command.words.length;
  const wordsMin = command.words.filter((word) => !word.optional).length;
  if (words.length < wordsMin) {
    throw invalid(`missing ${command.words[words.length]?.name ?? 'word'}`);
  }
  if (words.length > wordsMax) {
    if (last?.repeat) throw invalid(`more than ${COMMAND_VOLUMES_MAX} words`);
    throw invalid(`unexpected word '${words[wordsMax]}'`);
  }
  words.forEach((word, index) => {
    const shape = command.words[index] ?? last;
    if (shape !== undefined) checkWord(shape.kind, word);
  });
}

function checkOption(command: Command, name: string, value: string): void {
  const option = command.options.find((candidate) => candidate.name === name);
  if (option === undefined) throw invalid(`unknown option ${name}=${knownOptions(command)}`);
  checkOptionValue(option, value);
}

function knownOptions(command: Command): string {
  if (command.options.length === 0) return ', the command has no options';
  return `, there is ${command.options.map((option) => `${option.name}=`).join(' ')}`;
}

function invalid(reason: string): ArrayError {
  return new ArrayError('EINVAL', reason);
}
