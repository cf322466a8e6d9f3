/** A table of /status by its name, for tests. */
import { STATUS_TABLES } from '../../src/control/status-tables.js';

export function tableNamed(name: string) {
  const table = STATUS_TABLES.find((candidate) => candidate.name === name);
  if (table === undefined) throw new Error(`no table ${name}`);
  return table;
}
