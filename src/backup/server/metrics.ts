/** What a monitoring system reads at /metrics, in Prometheus's text format. The only file that knows prom-client. */
import { Counter, Gauge, Registry } from 'prom-client';
import { ENTRY_STATES } from '../choices.js';
import { newestFirst } from './catalog-entries.js';
import type { ServerParts } from './server-parts.js';

export interface ServerMetrics {
  readonly registry: Registry;
}

/** `isStopping` and the rest of the parts are looked at when somebody asks. */
export function makeMetrics(parts: ServerParts): ServerMetrics {
  const registry = new Registry();
  const registers = [registry];
  const runs = new Counter({
    name: 'arrayfs_backup_runs_total',
    help: 'Runs that ended since the server started',
    labelNames: ['definition', 'state'],
    registers,
  });
  parts.runs.onEnd(({ definition, state }) => runs.inc({ definition, state }));
  addGauges(parts, registers);
  return { registry };
}

function addGauges(
  { store, clients, errands, definitions, rest }: ServerParts,
  registers: Registry[],
): void {
  new Gauge({
    name: 'arrayfs_backup_entries',
    help: 'Backups in the catalog',
    labelNames: ['state'],
    registers,
    async collect() {
      const counts = new Map<string, number>(ENTRY_STATES.map((state) => [state, 0]));
      for await (const { entry } of newestFirst(store, undefined, rest)) {
        counts.set(entry.state, (counts.get(entry.state) ?? 0) + 1);
      }
      for (const [state, count] of counts) this.set({ state }, count);
    },
  });
  new Gauge({
    name: 'arrayfs_backup_errands_live',
    help: 'Errands that are waiting or running',
    registers,
    collect() {
      this.set(errands.liveRecords().length);
    },
  });
  new Gauge({
    name: 'arrayfs_backup_client_connected',
    help: '1 where the client is connected',
    labelNames: ['client'],
    registers,
    collect() {
      this.reset();
      for (const { name, isConnected } of clients.rows()) {
        this.set({ client: name }, isConnected ? 1 : 0);
      }
    },
  });
  new Gauge({
    name: 'arrayfs_backup_last_complete_timestamp_seconds',
    help: 'When the last complete run of a definition ended',
    labelNames: ['definition'],
    registers,
    collect() {
      this.reset();
      for (const { key, value } of store.range('schedules')) {
        if (value.lastCompleteMs > 0) this.set({ definition: key }, value.lastCompleteMs / 1000);
      }
    },
  });
  new Gauge({
    name: 'arrayfs_backup_next_run_timestamp_seconds',
    help: 'When a definition runs next by its schedule',
    labelNames: ['definition'],
    registers,
    collect() {
      this.reset();
      for (const { definition, nextMs } of definitions.rows()) {
        if (nextMs !== null) this.set({ definition: definition.name }, nextMs / 1000);
      }
    },
  });
}

export async function metricsText({
  registry,
}: ServerMetrics): Promise<{ readonly text: string; readonly contentType: string }> {
  return { text: await registry.metrics(), contentType: registry.contentType };
}
