/**
 * Words and options as one line of the control language; the twin of control/command-parser. The
 * array checks the line, so nothing is refused here that it would explain better.
 */

/** A word that reads as `key=` would be taken for an option. */
const OPTION_LIKE = /^[a-z][a-z-]*=/;

/** `['db'], {label: 'a b'}` -> `db label="a b"`. */
export function commandLine(
  words: readonly string[],
  options: Readonly<Record<string, string>>,
): string {
  const settings = Object.entries(options).map(([name, value]) => `${name}=${quoted(value)}`);
  return [...words.map(commandWord), ...settings].join(' ');
}

function commandWord(word: string): string {
  return OPTION_LIKE.test(word) ? inQuotes(word) : quoted(word);
}

function quoted(text: string): string {
  return text === '' || /[\s"]/.test(text) ? inQuotes(text) : text;
}

function inQuotes(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
