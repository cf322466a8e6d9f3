/**
 * The sources of arrayfs as the architecture test sees them: text, code without comments, imports.
 * Patterns over lines instead of a compiler: the formatter keeps the sources in one shape.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** Static and dynamic imports, and what createRequire loads. */
const IMPORT = /(?:\bfrom |\bimport |\b(?:import|require)(?:\.resolve)?\(\s*)'([^']+)'/g;

export interface SourceFile {
  /** Path below the root of the project without .ts, such as `src/base/assert`. */
  readonly path: string;
  readonly text: string;
  /** Text without comments and with empty strings. */
  readonly code: string;
  /** Paths of imported files as in `path`. */
  readonly imports: readonly string[];
  /** Names of imported packages; Node's own begin with `node:`. */
  readonly packages: readonly string[];
  readonly lineCount: number;
}

/** All TypeScript files below `folder` of the project. */
export function sourceFiles(folder: string): SourceFile[] {
  const names = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  return names
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => parseSource(relative(root, file), readFileSync(file, 'utf8')));
}

/** `file` is the path below the root of the project. */
export function parseSource(file: string, text: string): SourceFile {
  const withoutComments = replaceTokens(text, (token) => (token.startsWith('/') ? ' ' : token));
  const specifiers = [...withoutComments.matchAll(IMPORT)].map((match) => match[1] as string);
  const isLocal = (specifier: string) => specifier.startsWith('.');
  return {
    path: file.replace(/\.ts$/, ''),
    text,
    code: replaceTokens(withoutComments, (token) => (/^['"]/.test(token) ? "''" : token)),
    imports: specifiers
      .filter(isLocal)
      .map((specifier) => posix.join(posix.dirname(file), specifier).replace(/\.[jt]s$/, '')),
    packages: specifiers.filter((specifier) => !isLocal(specifier)).map(packageName),
    lineCount: text.split('\n').length - 1,
  };
}

/** Rewrites comments, strings and templates; each alternative keeps the others from matching within. */
function replaceTokens(text: string, rewrite: (token: string) => string): string {
  const token =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;
  return text.replace(token, rewrite);
}

function packageName(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
