/**
 * Judges pools as a power cut leaves them, in a process of its own, which a damaged LMDB file may end.
 * Each message names the directory of a pool; the answer says what `arrayfs check` finds before and
 * after the array was opened, and what every volume and snapshot holds, sector by sector.
 */
import type { CopyView, DiskArray } from '../../../src/array/disk-array.js';
import { assemble } from '../../../src/assemble.js';
import { CACHE_BYTES_MIN } from '../../../src/base/limits.js';
import { checkPool } from '../../../src/store/check.js';

const SECTOR_BYTES = 512;
const WORDS = SECTOR_BYTES / 4;
const READ_BYTES = 2 ** 20;

export interface StateReport {
  /** Why the pool could not be opened or read. */
  readonly failure?: string;
  readonly findings: readonly string[];
  /** By `VOLUME` and `VOLUME@SNAPSHOT`: the stamp of each sector, -1 where it holds several. */
  readonly copies: ReadonlyMap<string, Int32Array>;
}

process.on('message', (directory: string) => {
  void judge(directory).then((report) => process.send?.(report));
});
process.on('disconnect', () => process.exit(0));

async function judge(directory: string): Promise<StateReport> {
  const copies = new Map<string, Int32Array>();
  const findings: string[] = [];
  try {
    findings.push(...(await check(directory, 'before it was opened')));
    const { array } = await assemble({
      storeDirectory: directory,
      mountPoint: '(power cut)',
      readOnly: false,
      allowFaults: false,
      cacheBytes: CACHE_BYTES_MIN,
      defaultOwner: { uid: 0, gid: 0, mode: 0o600 },
      poolDirectories: [],
      without: [],
    });
    for (const volume of array.volumes()) {
      copies.set(volume.name, await stampsOf(array, volume));
      for (const snapshot of volume.snapshots) {
        const name = `${volume.name}@${snapshot.name}`;
        copies.set(name, await stampsOf(array, snapshot));
      }
    }
    await array.close();
    findings.push(...(await check(directory, 'after it was closed')));
    return { findings, copies };
  } catch (error) {
    return { failure: `${(error as Error).stack}`, findings, copies };
  }
}

async function check(directory: string, when: string): Promise<string[]> {
  const { findings } = await checkPool(directory, { repair: false, onProgress: () => {} });
  return findings.map(({ kind, subject, detail }) => `${when}: ${kind} ${subject}: ${detail}`);
}

async function stampsOf(array: DiskArray, view: CopyView): Promise<Int32Array> {
  const image = array.openImage(array.copy(`#${view.number}`), { write: false });
  try {
    const bytes = new Uint8Array(view.sizeBytes);
    for (let done = 0; done < bytes.length; ) {
      const count = await image.read(done, bytes.subarray(done, done + READ_BYTES));
      if (count === 0) throw new Error(`${view.name} ends at byte ${done} of ${bytes.length}`);
      done += count;
    }
    return stamps(new Int32Array(bytes.buffer));
  } finally {
    image.close();
  }
}

function stamps(words: Int32Array): Int32Array {
  const result = new Int32Array(words.length / WORDS);
  for (let sector = 0; sector < result.length; sector += 1) {
    const part = words.subarray(sector * WORDS, (sector + 1) * WORDS);
    const first = part[0] as number;
    result[sector] = part.every((word) => word === first) ? first : -1;
  }
  return result;
}
