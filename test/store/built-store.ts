/**
 * The LMDB store as built: its writer thread is loaded beside it as JavaScript, which vitest cannot
 * do from the sources. scripts/test builds before it tests.
 */
import { existsSync } from 'node:fs';

type LmdbStoreModule = typeof import('../../src/store/lmdb-store.js');
type LmdbEnvironmentModule = typeof import('../../src/store/lmdb-environment.js');
type PoolFilesModule = typeof import('../../src/store/pool-files.js');

async function built<T>(name: string): Promise<T> {
  const file = new URL(`../../dist/src/store/${name}.js`, import.meta.url);
  if (!existsSync(file))
    throw new Error('dist/ is missing: run scripts/test, or npm run build first');
  return (await import(file.pathname)) as T;
}

export const { LmdbStore } = await built<LmdbStoreModule>('lmdb-store');
export const { LmdbEnvironment } = await built<LmdbEnvironmentModule>('lmdb-environment');
export const { writeIdentity } = await built<PoolFilesModule>('pool-files');
