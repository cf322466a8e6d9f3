/**
 * Verifies a backup: its whole image is read, and its SHA-256 compared with the one that was stored with it. One on tape is brought back to a
 * temporary volume for that, which checks every label and checksum on the way. The catalog is told where the state of the backup changes.
 */
import { asArrayError } from '../../base/errors.js';
import type { BackupEntry, EntryState } from '../backup-entry.js';
import type { ErrandContext } from '../client/errand-handler.js';
import type { ErrandInput, ErrandOutput } from '../errands.js';
import { MODIFIED_REASON } from '../sector-entry.js';
import { damageText, hashImage, type ImageDigest } from './hash-image.js';
import { type BackupImage, dropImage, imageOf } from './image-of.js';
import { arrayOf, located } from './locate.js';

type Verdict = Pick<BackupEntry, 'state' | 'stateReason'>;
type Output = ErrandOutput<'verify'>;

const GOOD: Verdict = { state: 'good', stateReason: '' };

export async function verifyBackup(
  { entry, chain }: ErrandInput<'verify'>,
  context: ErrandContext,
): Promise<Output> {
  let image: BackupImage | undefined;
  try {
    image = await imageOf(entry, chain, context, (volume) => context.note({ volume }));
    const digest = await hashed(image, context);
    return await told(entry, await verdictOf(entry, digest, context), digest, context);
  } catch (error) {
    const { code, reason } = asArrayError(error);
    // The backup is not there, or what is on tape is damaged; everything else says nothing about it.
    if (code === 'ENOENT' && image === undefined) {
      await tell(entry, { state: 'missing', stateReason: reason }, context);
    } else if (code === 'EIO' && image === undefined && (await isTapeReached(entry, context))) {
      await tell(entry, { state: 'damaged', stateReason: reason }, context);
      return { sha256: '', matches: false, lines: [reason] };
    }
    throw error;
  } finally {
    await image?.release();
  }
}

/** From the beginning, when what the attempt before has left is gone. */
export async function recoverVerify(
  input: ErrandInput<'verify'>,
  context: ErrandContext,
): Promise<Output> {
  const { volume } = (context.noted ?? {}) as { readonly volume?: string };
  if (volume !== undefined) await dropImage(input.entry.arrayUuid, volume, context);
  return verifyBackup(input, context);
}

function hashed({ path, copy }: BackupImage, context: ErrandContext): Promise<ImageDigest> {
  const onRead = (done: number, total: number) =>
    context.report({ step: 'read', text: copy, done, total });
  return hashImage(path, onRead, context.signal);
}

/** Where the daemon of the array has ended, that is what the error says. */
async function isTapeReached(
  { arrayUuid, place }: BackupEntry,
  context: ErrandContext,
): Promise<boolean> {
  const arrays = await context.arrays();
  return place.kind === 'tape' && arrays.some(({ uuid }) => uuid === arrayUuid);
}

async function verdictOf(
  entry: BackupEntry,
  { sha256, damagedAt }: ImageDigest,
  context: ErrandContext,
): Promise<Verdict> {
  if (damagedAt.length > 0) return { state: 'damaged', stateReason: damageText(damagedAt) };
  const isModified =
    entry.place.kind !== 'tape' &&
    (await located(await arrayOf(entry.arrayUuid, context), entry)).isModified;
  if (isModified) return { state: 'modified', stateReason: MODIFIED_REASON };
  if (entry.sha256 === null || entry.sha256 === sha256) return GOOD;
  const stateReason = `its SHA-256 is ${sha256} and not ${entry.sha256}`;
  return { state: 'damaged', stateReason };
}

async function told(
  entry: BackupEntry,
  verdict: Verdict,
  { sha256 }: ImageDigest,
  context: ErrandContext,
): Promise<Output> {
  await tell(entry, verdict, context);
  const matches = verdict.state === 'good';
  if (!matches) return { sha256, matches, lines: [verdict.stateReason] };
  const what = entry.sha256 === null ? 'none was stored with it' : 'as it was stored';
  return { sha256, matches, lines: [`all of the image can be read; SHA-256 ${sha256}, ${what}`] };
}

async function tell(
  entry: BackupEntry,
  { state, stateReason }: { readonly state: EntryState; readonly stateReason: string },
  context: ErrandContext,
): Promise<void> {
  if (state === entry.state && stateReason === entry.stateReason) return;
  await context.catalog({ add: [{ ...entry, state, stateReason }], remove: [] });
}
