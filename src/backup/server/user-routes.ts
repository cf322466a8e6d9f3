/** The requests of users, which come from the command line (api.ts has the list). */
import { Hono } from 'hono';
import { z } from 'zod';
import { ArrayError } from '../../base/errors.js';
import { ENTRY_ACTIONS, type EntryAction, type ErrandView, entryFilterSchema } from '../api.js';
import { definitionSchema } from '../definition.js';
import { ERRANDS } from '../errands.js';
import { findEntry, listEntries } from './catalog-entries.js';
import { actOnEntry } from './entry-actions.js';
import { bodyOf, requireRole, type ServerEnv } from './request-checks.js';
import type { ServerParts } from './server-parts.js';

const WAIT_MS_MAX = 60_000;
const RUNS_LISTED = 100;
const RUNS_LISTED_MAX = 10_000;

const waitSchema = z.object({
  after: z.coerce.number().int().default(0),
  wait: z.coerce.number().int().nonnegative().max(WAIT_MS_MAX).default(0),
});
const runFilterSchema = z.object({
  definition: z.string().optional(),
  limit: z.coerce.number().int().positive().max(RUNS_LISTED_MAX).default(RUNS_LISTED),
});

export function userRoutes(server: ServerParts): Hono<ServerEnv> {
  const routes = new Hono<ServerEnv>();
  routes.use('*', requireRole(server.clients, 'admin'));
  routes.get('/about', (context) => context.json(server.about));
  addDefinitionRoutes(routes, server);
  addRunRoutes(routes, server);
  addBackupRoutes(routes, server);
  addClientRoutes(routes, server);
  addErrandRoutes(routes, server);
  return routes;
}

function addDefinitionRoutes(routes: Hono<ServerEnv>, server: ServerParts): void {
  const { definitions, clients, errands, runs, retention } = server;
  routes.get('/definitions', (context) => context.json(definitions.rows()));
  routes.put('/definitions/:name', async (context) => {
    const definition = await bodyOf(context, definitionSchema);
    const name = context.req.param('name');
    if (definition.name !== name) {
      throw new ArrayError('EINVAL', `the definition ${definition.name} is put as ${name}`);
    }
    definitions.put(definition);
    return context.json({});
  });
  routes.delete('/definitions/:name', (context) => {
    definitions.remove(context.req.param('name'));
    return context.json({});
  });
  routes.post('/definitions/:name/check', async (context) => {
    const definition = definitions.find(context.req.param('name'));
    const { client } = definition;
    await clients.untilConnected(client);
    return context.json(errands.add({ kind: 'check', client, input: { definition } }));
  });
  routes.post('/definitions/:name/run', async (context) => {
    const name = context.req.param('name');
    await clients.untilConnected(definitions.find(name).client);
    return context.json(await runs.start(definitions.find(name), 0));
  });
  routes.get('/definitions/:name/retention', async (context) => {
    return context.json(await retention.rows(definitions.find(context.req.param('name'))));
  });
  routes.post('/definitions/:name/prune', async (context) => {
    return context.json(await retention.prune(definitions.find(context.req.param('name'))));
  });
}

function addRunRoutes(routes: Hono<ServerEnv>, { runs, clients }: ServerParts): void {
  routes.get('/runs', (context) => {
    const { definition, limit } = runFilterSchema.parse(context.req.query());
    return context.json(runs.list(definition, limit));
  });
  routes.get('/runs/:number', (context) => {
    return context.json(runs.find(numberOf(context.req.param('number'))));
  });
  routes.post('/runs/:number/cancel', (context) => {
    const number = numberOf(context.req.param('number'));
    return context.json(runs.cancel(number, (client) => clients.isConnected(client)));
  });
}

function addBackupRoutes(routes: Hono<ServerEnv>, server: ServerParts): void {
  const { store, rest } = server;
  routes.get('/backups', async (context) => {
    const filter = entryFilterSchema.parse(context.req.query());
    return context.json(await listEntries(store, filter, rest));
  });
  routes.get('/backups/:id', (context) => {
    return context.json(findEntry(store, context.req.param('id')));
  });
  routes.post('/backups/:id/:action', async (context) => {
    const { id, action } = context.req.param();
    if (!Object.hasOwn(ENTRY_ACTIONS, action)) {
      throw new ArrayError('ENOENT', `there is no action '${action}' on a backup`);
    }
    const body = await bodyOf(context, z.unknown());
    return context.json(await actOnEntry(id, action as EntryAction, body, server));
  });
  routes.post('/rescan', async (context) => {
    const input = await bodyOf(context, ERRANDS.rescan.input);
    return context.json(server.rescans.start(input));
  });
}

function addClientRoutes(routes: Hono<ServerEnv>, server: ServerParts): void {
  const { clients, errands, store } = server;
  routes.get('/clients', (context) => context.json(clients.rows()));
  routes.put('/clients/:name', (context) => {
    return context.json({ token: clients.define(context.req.param('name')) });
  });
  routes.delete('/clients/:name', (context) => {
    const name = context.req.param('name');
    const busy = errands.liveRecords().find(({ client }) => client === name);
    if (busy !== undefined) {
      throw new ArrayError('EBUSY', `client ${name} has errand ${busy.id} (${busy.kind}) to do`);
    }
    clients.remove(name);
    return context.json({});
  });
  for (const kind of ['paths', 'destinations'] as const) {
    routes.post(`/clients/:name/${kind}`, async (context) => {
      const client = context.req.param('name');
      const input = await bodyOf(context, ERRANDS[kind].input);
      await clients.untilConnected(client);
      return context.json(errands.add({ kind, client, input } as never) as ErrandView);
    });
  }
  routes.get('/destinations', (context) => {
    return context.json(store.range('destinations').flatMap(({ value }) => value));
  });
}

function addErrandRoutes(routes: Hono<ServerEnv>, server: ServerParts): void {
  const { errands, clients } = server;
  routes.get('/errands/:id', async (context) => {
    const { after, wait } = waitSchema.parse(context.req.query());
    const id = numberOf(context.req.param('id'));
    const waitMs = server.isStopping() ? 0 : wait;
    return context.json(await errands.waitView(id, after, waitMs, context.req.raw.signal));
  });
  routes.post('/errands/:id/cancel', (context) => {
    const id = numberOf(context.req.param('id'));
    errands.cancel(id, (client) => clients.isConnected(client));
    return context.json(errands.view(id));
  });
}

function numberOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new ArrayError('EINVAL', `not a number: '${text}'`);
}
