/**
 * Programs of tests as built: they run as processes or threads of their own, without vitest. scripts/test
 * builds before it tests.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The file of `test/FOLDER/programs/NAME`. */
export function builtProgram(folder: string, name: string): string {
  return builtFile(`test/${folder}/programs/${name}`);
}

/** The file of `src/PATH`, as the daemon starts it. */
export function builtSource(path: string): string {
  return builtFile(`src/${path}`);
}

function builtFile(path: string): string {
  const url = new URL(`../../dist/${path}.js`, import.meta.url);
  const file = fileURLToPath(url);
  if (!existsSync(file)) throw new Error(`${file} is missing: run scripts/test, or npm run build`);
  return file;
}
