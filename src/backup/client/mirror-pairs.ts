/**
 * The pairs of a mirror backup, made ready: before a secondary is overwritten, the backup that it holds goes from the catalog,
 * then its sector ([004] fig. 9, step 2401); then it is resynchronised and waited for.
 */
import { ArrayError } from '../../base/errors.js';
import { arrayTable, type PairRow, volumeNamed } from '../array-tables.js';
import type { NotedMember } from './backup-notes.js';
import type { BackupRun } from './backup-run.js';
import type { KnownArray } from './errand-handler.js';
import { pauseUnlessAborted } from './until-answered.js';

/** Between two looks at a pair: soon at first, as many are ready soon. */
export const FIRST_LOOK_MS = 10;
export const LOOK_MS_MAX = 300;

/** In which an image can be taken: equal, or nothing is copied before the command. */
const READY: readonly string[] = ['duplex', 'defined'];
/** In which the pair becomes ready by itself. */
const BECOMING: readonly string[] = ['duplex-pending', 'resync'];

/** Resolves when an image can be taken of all pairs. */
export async function prepareMirrors(run: BackupRun): Promise<void> {
  await run.onArray(async (array) => {
    for (const member of run.members) await beginMirroring(run, array, member);
    await untilReady(run, array);
    run.splitCommand = await splitCommand(run, array);
  });
}

/** ENOENT where one is not there. */
export async function mirrorPairs(run: BackupRun, array: KnownArray): Promise<PairRow[]> {
  const rows = await arrayTable(array.client, 'pairs');
  return run.members.map((member) => {
    const pair = rows.find(({ name }) => name === nameOf(member));
    if (pair !== undefined) return pair;
    throw new ArrayError(
      'ENOENT',
      `the array at ${array.mountPoint} has no pair ${nameOf(member)}`,
    );
  });
}

/** The command that takes the image: pairs of one command are all mirrors, or all on demand. */
export async function splitCommand(run: BackupRun, array: KnownArray): Promise<'split' | 'copy'> {
  const modes = new Set((await mirrorPairs(run, array)).map(({ mode }) => mode));
  if (modes.size === 1) return modes.has('on-demand') ? 'copy' : 'split';
  throw new ArrayError('EINVAL', 'pairs on demand and mirrors have no common instant');
}

/** Pairs that were split go back to mirroring; how long that takes is not waited for. */
export async function mirrorAgain(run: BackupRun): Promise<void> {
  if (run.notes.sources === null) return;
  await run.onArray(async (array) => {
    const rows = await arrayTable(array.client, 'pairs');
    const names = run.members.map(nameOf);
    const apart = rows.filter(({ name }) => names.includes(name)).filter(isApart);
    await resync(
      array,
      apart.map(({ name }) => name),
    );
  });
}

function isApart({ state }: PairRow): boolean {
  return !READY.includes(state) && !BECOMING.includes(state);
}

async function beginMirroring(run: BackupRun, array: KnownArray, member: NotedMember) {
  const name = nameOf(member);
  const pair = (await arrayTable(array.client, 'pairs')).find((row) => row.name === name);
  if (pair === undefined) await checkReserved(array, member.secondary);
  else if (!isApart(pair)) return;
  await forgetHeld(run, array, member.secondary);
  if (pair !== undefined) await resync(array, [name]);
  else {
    const words = [member.name, member.secondary];
    await array.client.run({ name: 'paircreate', words, options: {} });
    run.say(`paired: ${name}`);
  }
}

async function checkReserved(array: KnownArray, secondary: string): Promise<void> {
  const volume = await volumeNamed(array.client, secondary);
  if (volume.primary !== null) {
    throw new ArrayError('EBUSY', `${secondary} is the secondary of ${volume.primary}`);
  }
  if (volume.reserved) return;
  throw new ArrayError(
    'EBUSY',
    `${secondary} is neither paired nor reserved, and may hold something: arrayfs pair reserve ${secondary}`,
  );
}

/** The catalog first: an entry without its image would be the worse half. */
async function forgetHeld(run: BackupRun, array: KnownArray, secondary: string): Promise<void> {
  const held = run.input.earlier.filter(
    ({ place, arrayUuid }) =>
      arrayUuid === array.uuid &&
      place.kind !== 'tape' &&
      place.kind !== 'snapshot' &&
      place.volume === secondary,
  );
  if (held.length > 0) {
    await run.context.catalog({ add: [], remove: held.map(({ id }) => id) });
    for (const { id } of held) run.say(`backup ${id} on ${secondary} is overwritten`);
  }
  if ((await array.client.readInfo(secondary)) !== undefined) {
    await array.client.run({ name: 'info', words: [secondary], options: { clear: 'yes' } });
  }
}

async function resync(array: KnownArray, words: readonly string[]): Promise<void> {
  if (words.length > 0) await array.client.run({ name: 'resync', words, options: {} });
}

async function untilReady(run: BackupRun, array: KnownArray): Promise<void> {
  const { clock, signal } = run.context;
  for (let lookMs = FIRST_LOOK_MS; ; lookMs = Math.min(2 * lookMs, LOOK_MS_MAX)) {
    const pairs = await mirrorPairs(run, array);
    const waiting = pairs.filter(({ state }) => !READY.includes(state));
    if (waiting.length === 0) return;
    const stuck = waiting.find(isApart);
    if (stuck !== undefined) {
      throw new ArrayError('EIO', `the pair ${stuck.name} is ${stuck.state}: ${stuck.reason}`);
    }
    if (signal.aborted) throw new ArrayError('EINTR', 'given up while a pair was being copied');
    const total = sum(pairs, ({ trackCount }) => trackCount);
    const left = sum(waiting, ({ unequalTracks }) => unequalTracks);
    const text = `waits for ${waiting.map(({ name, state }) => `${name} (${state})`).join(' ')}`;
    run.report(text, total - left, total, 'pieces');
    await pauseUnlessAborted(clock, lookMs, signal);
  }
}

function sum(pairs: readonly PairRow[], value: (pair: PairRow) => number): number {
  return pairs.reduce((total, pair) => total + value(pair), 0);
}

function nameOf({ name, secondary }: NotedMember): string {
  return `${name}:${secondary}`;
}
