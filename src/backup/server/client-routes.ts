/** The requests of backup clients: hello, errands, reports, changes of the catalog. */
import { Hono } from 'hono';
import { ArrayError } from '../../base/errors.js';
import { catalogChangeSchema, helloSchema, pollSchema, reportSchema } from '../api.js';
import type { BackupEntry } from '../backup-entry.js';
import { putEntry, removeEntry } from './catalog-entries.js';
import type { CatalogChange } from './catalog-store.js';
import { bodyOf, requireRole, type ServerEnv } from './request-checks.js';
import { freshId, identityOf } from './rescan-merge.js';
import type { ServerParts } from './server-parts.js';

export function clientRoutes(server: ServerParts): Hono<ServerEnv> {
  const { clients, errands } = server;
  const routes = new Hono<ServerEnv>();
  routes.use('*', requireRole(clients, 'client'));
  routes.post('/hello', async (context) => {
    const client = context.get('client');
    const hello = await bodyOf(context, helloSchema);
    checkName(hello.name, client);
    const hasNewArray = clients.hello(client, hello);
    if (hasNewArray) server.rescans.startAt(client, { tapes: false });
    return context.json(server.about);
  });
  routes.post('/poll', async (context) => {
    const client = context.get('client');
    const { has, waitMs } = await bodyOf(context, pollSchema);
    const { signal } = context.req.raw;
    const answer = await clients.during(client, signal, () =>
      errands.poll(client, has, server.isStopping() ? 0 : waitMs, signal),
    );
    return context.json(answer);
  });
  routes.post('/report', async (context) => {
    const client = context.get('client');
    const message = await bodyOf(context, reportSchema);
    clients.heard(client);
    errands.report(client, message);
    return context.json({});
  });
  routes.post('/catalog', async (context) => {
    const client = context.get('client');
    const { errand, sequence, add, remove } = await bodyOf(context, catalogChangeSchema);
    clients.heard(client);
    const mayChange = ownershipOf(server, client);
    errands.once(client, errand, sequence, (change, record) => {
      const old = [...remove, ...add.map(({ id }) => id)].map((id) => change.get('entries', id));
      for (const entry of [...add, ...old.map((found) => found?.entry)]) {
        if (entry !== undefined) mayChange(entry);
      }
      for (const id of remove) removeEntry(change, id);
      for (const entry of add) {
        keepApart(server, change, entry);
        putEntry(change, entry, server.clock.nowMs());
      }
      server.runs.addEntries(
        change,
        record,
        add.map(({ id }) => id),
      );
      server.rescans.removed(remove);
    });
    for (const { jobNumber } of add) server.file.numberSeen(jobNumber);
    return context.json({});
  });
  return routes;
}

/** Before anything is noted of it: else one that is refused would be taken for the other. */
function checkName(name: string, client: string): void {
  if (name === client) return;
  const reason = `the token is that of the backup client '${client}', not of '${name}': give --name ${client}`;
  throw new ArrayError('EINVAL', reason);
}

/** Another server's backup that a rescan found has the id of a new one: it goes on under an id of its own. */
function keepApart(server: ServerParts, change: CatalogChange, entry: BackupEntry): void {
  const old = change.get('entries', entry.id)?.entry;
  if (old === undefined || identityOf(old) === identityOf(entry)) return;
  const id = freshId(old, () => server.file.takeNumbers(1));
  putEntry(change, { ...old, id }, server.clock.nowMs());
  server.log.warn({ backup: entry.id, listedAs: id }, 'two backups have one job number');
}

/** A client changes what is its own, and what is on arrays it has. */
function ownershipOf(server: ServerParts, client: string) {
  const arrays = new Set(server.clients.row(client).arrays.map(({ uuid }) => uuid));
  return (entry: { readonly id: string; readonly client: string; readonly arrayUuid: string }) => {
    if (entry.client === client || arrays.has(entry.arrayUuid)) return;
    throw new ArrayError(
      'EACCES',
      `backup ${entry.id} is of client ${entry.client}, not ${client}`,
    );
  };
}
