/** Names of volumes, snapshots and pools (design, Names and numbers). */
import { ArrayError } from './errors.js';
import { LABEL_BYTES_MAX, NAME_CHARACTERS_MAX } from './limits.js';

const PATTERN = new RegExp(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,${NAME_CHARACTERS_MAX - 1}}$`);
/** Words that commands give a meaning of their own. */
const RESERVED = new Set(['all', 'auto', 'any', 'none', 'now']);

/** Why `name` is not allowed, or undefined where it is. */
export function nameProblem(name: string): string | undefined {
  if (name.length === 0) return 'a name is empty';
  if (name.length > NAME_CHARACTERS_MAX) {
    return `a name has more than ${NAME_CHARACTERS_MAX} characters`;
  }
  if (!PATTERN.test(name)) {
    return `'${printable(name)}' is not a name: use A-Z a-z 0-9 . _ - and do not begin with . or -`;
  }
  if (name.endsWith('.json')) return `a name must not end in .json: '${name}'`;
  if (RESERVED.has(name)) return `'${name}' is a reserved word`;
  return undefined;
}

/** Throws EINVAL unless `name` is allowed. */
export function checkName(name: string): void {
  const problem = nameProblem(name);
  if (problem !== undefined) throw new ArrayError('EINVAL', problem);
}

/** Throws EINVAL where a label does not fit its field; a text that does not fit is never cut. */
export function checkLabel(label: string): void {
  if (Buffer.byteLength(label) > LABEL_BYTES_MAX) {
    throw new ArrayError('EINVAL', `a label has more than ${LABEL_BYTES_MAX} bytes`);
  }
  if (printable(label) !== label) {
    throw new ArrayError('EINVAL', 'a label must not contain control characters');
  }
}

/** `text` with control characters shown as \xNN, for messages and tables. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the subject.
  return text.replace(/[\u0000-\u001f\u007f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
