/**
 * The programs of the power-cut test as built: they run as processes of their own, without vitest.
 * scripts/test builds before it tests.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export function builtProgram(name: string): string {
  const url = new URL(`../../dist/test/power-cut/programs/${name}.js`, import.meta.url);
  const file = fileURLToPath(url);
  if (!existsSync(file)) throw new Error(`${file} is missing: run scripts/test, or npm run build`);
  return file;
}
