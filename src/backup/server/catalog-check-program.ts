/** The process that reads a whole catalog for catalog-check.ts; argument: its directory. Ends when it has told. */
import { asArrayError } from '../../base/errors.js';
import type { CatalogCheckMessage } from './catalog-check.js';
import { CATALOG_TABLES, damagedCatalog } from './catalog-records.js';
import { CatalogStore } from './catalog-store.js';

const [directory] = process.argv.slice(2);
if (directory !== undefined && process.send !== undefined) {
  process.send(await checked(directory), () => process.disconnect());
}

async function checked(path: string): Promise<CatalogCheckMessage> {
  try {
    const store = new CatalogStore(path);
    readAll(store);
    await store.close();
    return { kind: 'sound' };
  } catch (error) {
    const { code, reason } = asArrayError(error);
    return { kind: 'refused', code, reason };
  }
}

/** Every record, and that the indexes have each entry once. */
function readAll(store: CatalogStore): void {
  for (const table of CATALOG_TABLES) {
    if (table === 'byEnd' || table === 'byDefinition') continue;
    store.range(table);
  }
  const count = store.count('entries');
  for (const table of ['byEnd', 'byDefinition'] as const) {
    const rows = store.range(table);
    const missing = rows.find(({ key }) => store.get('entries', `${key.at(-1)}`) === undefined);
    if (rows.length !== count || missing !== undefined) {
      throw damagedCatalog(store.directory, `its index ${table} is not that of its entries`);
    }
  }
}
