/** Turns an example of the control language into the same command on the command line. */
import type { CommandOption } from '../control/command-row.js';

/** A word, with quoted parts in it. */
const TOKEN = /(?:[^\s"]|"(?:[^"\\]|\\.)*")+/g;

/** `db 10G label="a b"` -> `arrayfs volume create db 10G --label "a b"`. */
export function exampleLine(
  program: string,
  line: string,
  options: readonly CommandOption[],
): string {
  const tokens: string[] = line.match(TOKEN) ?? [];
  return [program, ...tokens.map((token) => exampleToken(token, options))].join(' ');
}

function exampleToken(token: string, options: readonly CommandOption[]): string {
  const [, name, value] = /^([a-z-]+)=(.*)$/.exec(token) ?? [];
  const option = options.find((candidate) => candidate.name === name);
  if (option === undefined) return token;
  return option.kind === 'yes' ? `--${option.name}` : `--${option.name} ${value}`;
}
