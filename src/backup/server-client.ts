/** The backup server's API as functions (api.ts has the list): what its clients and the command line call. */
import { z } from 'zod';
import { ArrayError } from '../base/errors.js';
import {
  aboutSchema,
  type CatalogChangeMessage,
  clientRowSchema,
  definitionRowSchema,
  type EntryAction,
  type EntryActionBody,
  type EntryFilter,
  errandViewSchema,
  type Hello,
  pollAnswerSchema,
  type Report,
  retentionRowSchema,
  runSchema,
} from './api.js';
import { backupEntrySchema } from './backup-entry.js';
import type { BackupDefinition } from './definition.js';
import { ERRANDS, type ErrandInput } from './errands.js';
import { HttpClient, type HttpRequest, type ServerAddress } from './http-client.js';

const tokenSchema = z.object({ token: z.string() });
const prunedSchema = z.object({
  rows: z.array(retentionRowSchema),
  errands: z.array(errandViewSchema),
});
const destinationsSchema = z.array(ERRANDS.destinations.output.shape.rows.element);

export class ServerClient {
  private readonly http: HttpClient;

  constructor(private readonly address: ServerAddress) {
    this.http = new HttpClient(address);
  }

  close(): Promise<void> {
    return this.http.close();
  }

  about() {
    return this.get(aboutSchema, '/about');
  }

  definitions() {
    return this.get(z.array(definitionRowSchema), '/definitions');
  }

  async putDefinition(definition: BackupDefinition): Promise<void> {
    await this.http.request({
      method: 'PUT',
      path: named('/definitions', definition.name),
      body: definition,
    });
  }

  async deleteDefinition(name: string): Promise<void> {
    await this.http.request({ method: 'DELETE', path: named('/definitions', name) });
  }

  checkDefinition(name: string) {
    return this.post(errandViewSchema, `${named('/definitions', name)}/check`);
  }

  runDefinition(name: string) {
    return this.post(runSchema, `${named('/definitions', name)}/run`);
  }

  retention(name: string) {
    return this.get(z.array(retentionRowSchema), `${named('/definitions', name)}/retention`);
  }

  prune(name: string) {
    return this.post(prunedSchema, `${named('/definitions', name)}/prune`);
  }

  runs(filter: { readonly definition?: string; readonly limit?: number } = {}) {
    return this.get(z.array(runSchema), '/runs', { ...filter });
  }

  run(number: number) {
    return this.get(runSchema, `/runs/${number}`);
  }

  async cancelRun(number: number): Promise<void> {
    await this.http.request({ method: 'POST', path: `/runs/${number}/cancel` });
  }

  backups(filter: EntryFilter = {}) {
    return this.get(z.array(backupEntrySchema), '/backups', { ...filter });
  }

  backup(id: string) {
    return this.get(backupEntrySchema, named('/backups', id));
  }

  /** What can be done with a backup is a row of ENTRY_ACTIONS. */
  act<A extends EntryAction>(id: string, action: A, body: EntryActionBody<A>) {
    return this.post(errandViewSchema, `${named('/backups', id)}/${action}`, body);
  }

  rescan(wish: ErrandInput<'rescan'>) {
    return this.post(z.array(errandViewSchema), '/rescan', wish);
  }

  clients() {
    return this.get(z.array(clientRowSchema), '/clients');
  }

  /** Makes a client known, or gives it a new token; the old one is worth nothing any more. */
  async putClient(name: string): Promise<string> {
    const answer = await this.http.request({ method: 'PUT', path: named('/clients', name) });
    return this.checked(tokenSchema, answer).token;
  }

  async deleteClient(name: string): Promise<void> {
    await this.http.request({ method: 'DELETE', path: named('/clients', name) });
  }

  paths(client: string) {
    return this.post(errandViewSchema, `${named('/clients', client)}/paths`, {});
  }

  destinations(client: string, wish: ErrandInput<'destinations'>) {
    return this.post(errandViewSchema, `${named('/clients', client)}/destinations`, wish);
  }

  /** The backup volume table as it was last told. */
  knownDestinations() {
    return this.get(destinationsSchema, '/destinations');
  }

  errand(id: number, wait?: { readonly after: number; readonly ms: number }, signal?: AbortSignal) {
    const query = wait && { after: wait.after, wait: wait.ms };
    return this.get(errandViewSchema, `/errands/${id}`, query, {
      waitMs: wait?.ms ?? 0,
      ...(signal && { signal }),
    });
  }

  async cancelErrand(id: number): Promise<void> {
    await this.http.request({ method: 'POST', path: `/errands/${id}/cancel` });
  }

  hello(hello: Hello) {
    return this.post(aboutSchema, '/client/hello', hello);
  }

  async poll(has: readonly number[], waitMs: number, signal: AbortSignal) {
    const request = { method: 'POST', path: '/client/poll', waitMs, signal } as const;
    const answer = await this.http.request({ ...request, body: { has, waitMs } });
    return this.checked(pollAnswerSchema, answer);
  }

  async report(report: Report, signal: AbortSignal): Promise<void> {
    await this.http.request({ method: 'POST', path: '/client/report', body: report, signal });
  }

  async changeCatalog(change: CatalogChangeMessage, signal: AbortSignal): Promise<void> {
    await this.http.request({ method: 'POST', path: '/client/catalog', body: change, signal });
  }

  private async get<S extends z.ZodType>(
    schema: S,
    path: string,
    query: HttpRequest['query'] = {},
    more: Partial<HttpRequest> = {},
  ): Promise<z.infer<S>> {
    return this.checked(schema, await this.http.request({ ...more, method: 'GET', path, query }));
  }

  private async post<S extends z.ZodType>(
    schema: S,
    path: string,
    body?: unknown,
  ): Promise<z.infer<S>> {
    const request = { method: 'POST', path } as const;
    const answer = await this.http.request(body === undefined ? request : { ...request, body });
    return this.checked(schema, answer);
  }

  private checked<S extends z.ZodType>(schema: S, value: unknown): z.infer<S> {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const reason = `the backup server at ${this.address.url} answers something unexpected`;
    throw new ArrayError(
      'EIO',
      `${reason}: ${z.prettifyError(parsed.error).split('\n').join(' ')}`,
    );
  }
}

function named(collection: string, name: string): string {
  return `${collection}/${encodeURIComponent(name)}`;
}
