/**
 * `arrayfs __complete WORDS`: what the shell's completion calls at each press of Tab. Names come
 * from the mount, or the backup server; a mount that does not answer in time ends this process by SIGKILL, the only signal
 * that a thread inside a request to a hanging mount still obeys.
 */
import type { Command } from 'commander';
import { systemClock } from '../base/clock.js';
import type { ArrayClient } from '../client/array-client.js';
import { type CompletionKind, isBackupKind } from './completion-kinds.js';
import { completions, type NameLookup } from './completion-words.js';
import { clientAt } from './global-options.js';
import { print } from './output.js';

/** Longer than any living array needs, short enough for a finger on Tab. */
const ANSWER_MS = 1_500;

export async function complete(program: Command, words: readonly string[]): Promise<void> {
  systemClock.after(ANSWER_MS, () => process.kill(process.pid, 'SIGKILL'));
  print((await completions(program, words, lookup)).join('\n'));
}

/** Nothing to offer is not an error: the user is still typing. */
const lookup: NameLookup = async (kind, current, given) => {
  try {
    if (isBackupKind(kind)) {
      const { backupNames } = await import('./backup-names.js');
      return await backupNames(kind, given);
    }
    return await namesOf(kind, current, clientAt(given.get('--mount')));
  } catch {
    return [];
  }
};

/** Names of `kind` in the array; a snapshot is offered in two steps, `VOLUME@`, then its name. */
export async function namesOf(
  kind: CompletionKind,
  current: string,
  client: ArrayClient,
): Promise<readonly string[]> {
  switch (kind) {
    case 'volume':
      return client.names('volumes');
    case 'snapshot':
      return current.includes('@') ? snapshots(client, current) : volumesWithSnapshots(client);
    case 'copy':
      return current.includes('@') ? snapshots(client, current) : copies(client);
    case 'scrub-subject':
      return ['all', ...(await namesOf('copy', current, client))];
    case 'pair':
      return client.names('pairs');
    case 'pair-or-now':
      return [...(await client.names('pairs')), 'now'];
    case 'secondary':
      return ['auto', ...(await client.names('volumes'))];
    case 'job':
      return client.names('jobs');
    case 'status-table':
      return client.names('status');
    case 'pool':
    case 'port-group':
    case 'host':
    case 'device':
      return rowNames(await client.statusJson(`${kind.replace('-', '')}s`));
    case 'copy-or-medium':
      return [...(await namesOf('copy', current, client)), ...(await deviceStems(client))];
    case 'volume-or-medium':
      return [...(await client.names('volumes')), ...(await deviceStems(client))];
    case 'host-or-any':
      return ['any', ...(await namesOf('host', current, client))];
    case 'port':
      return rowNames(await client.statusJson('ports'), 'port');
    case 'ports':
      return portLists(current, await namesOf('port', current, client));
    case 'controller':
      return ['CL1', 'CL2'];
    case 'fault-target':
      return faultTargets(current, client);
    case 'fault':
      return ['EIO', 'delay', 'hang', 'sense', 'damaged', 'killed', 'down'];
    default:
      return [];
  }
}

/** A medium is named behind its device. */
async function deviceStems(client: ArrayClient): Promise<string[]> {
  return (await namesOf('device', '', client)).map((name) => `${name}/`);
}

async function snapshots(client: ArrayClient, current: string): Promise<string[]> {
  const volume = current.slice(0, current.indexOf('@'));
  if (!/^[\w.-]+$/.test(volume) || volume.startsWith('.')) return [];
  return (await client.names('snapshots', volume)).map((name) => `${volume}@${name}`);
}

async function volumesWithSnapshots(client: ArrayClient): Promise<string[]> {
  return (await client.names('snapshots')).map((volume) => `${volume}@`);
}

async function copies(client: ArrayClient): Promise<string[]> {
  return [...(await client.names('volumes')), ...(await volumesWithSnapshots(client))];
}

const FAULT_TARGETS = ['volume', 'pool', 'port', 'controller', 'device'] as const;

/** In two steps, `KIND:`, then the name. */
async function faultTargets(current: string, client: ArrayClient): Promise<readonly string[]> {
  const kind = FAULT_TARGETS.find((candidate) => current.startsWith(`${candidate}:`));
  if (kind === undefined) return ['all', ...FAULT_TARGETS.map((target) => `${target}:`)];
  return (await namesOf(kind, current, client)).map((name) => `${kind}:${name}`);
}

/** The list so far, and each port that it does not have yet. */
function portLists(current: string, ports: readonly string[]): string[] {
  const named = current.split(',').slice(0, -1);
  const further = ports.filter((port) => !named.includes(port));
  return further.map((port) => [...named, port].join(','));
}

/** What the rows of a status table are called. */
function rowNames(rows: unknown, key = 'name'): string[] {
  if (!Array.isArray(rows)) return [];
  return rows.flatMap((row: { [key: string]: unknown }) => {
    const name = row[key];
    return typeof name === 'string' ? [name] : [];
  });
}
