/** fio writes blocks with checksums and verifies them, while snapshots come and go. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repeat } from '../support/factor.js';
import { canLoop, canMount, MountedArray } from '../support/mounted-array.js';
import { done, doneLater, run, shell } from '../support/programs.js';
import { cleanScratch } from '../support/scratch-directory.js';

const hasFio = run('sh', '-c', 'command -v fio').status === 0;
const JOBS = 3;
const JOB_MIB = Math.min(256, repeat(16));

/** Each job has a range of its own; sizes and offsets are not those of blocks. */
function fio(file: string, ...more: string[]): Promise<string> {
  return doneLater(
    'fio',
    ...[
      '--name=verify',
      `--filename=${file}`,
      '--rw=randwrite',
      '--verify=crc32c',
      '--verify_state_save=0',
    ],
    ...['--bssplit=512/10:1536/10:4k/30:9k/20:16k/10:50k/20', '--ioengine=psync'],
    ...[`--numjobs=${JOBS}`, `--size=${JOB_MIB}m`, `--offset_increment=${JOB_MIB}m`],
    ...['--do_verify=1', '--verify_fatal=1', '--randseed=7', '--group_reporting'],
    ...['--output-format=terse', ...more],
  );
}

describe.skipIf(!canMount || !hasFio)('fio', () => {
  let array: MountedArray;

  /** Takes snapshots of `volume`, keeping three, until the work is done. */
  async function withSnapshots(volume: string, work: Promise<string>): Promise<number> {
    let running = true;
    let taken = 0;
    const ended = work.finally(() => {
      running = false;
    });
    ended.catch(() => undefined);
    while (running) {
      taken += 1;
      await array.okLater('snapshot', `${volume} name=s${taken}`);
      if (taken > 3) await array.okLater('delete', `${volume}@s${taken - 3}`);
    }
    await ended;
    return taken;
  }

  beforeAll(() => {
    array = MountedArray.create({ capacity: '20G', mountWords: ['--write-cache', '16M'] });
  });
  afterAll(cleanScratch);

  it('verifies what it wrote to an image while snapshots are taken', async () => {
    array.ok('create', `image ${JOBS * JOB_MIB}M`);
    expect(await withSnapshots('image', fio(array.volume('image')))).toBeGreaterThan(3);
  });

  it.skipIf(!canLoop)('verifies what it wrote to a mounted file system', async () => {
    shell(`truncate -s ${2 * JOBS * JOB_MIB + 64}M ${array.volume('fs')}`);
    done('mkfs.ext4', '-q', array.volume('fs'));
    const point = array.loopMount(array.volume('fs'), 'fs');
    const work = fio(`${point}/file`, '--fsync_on_close=1', '--fdatasync=64');
    expect(await withSnapshots('fs', work)).toBeGreaterThan(3);
    await array.loopUnmount(point);
    done('fsck.ext4', '-fn', array.volume('fs'));
  });

  it('leaves an array that is clean', async () => {
    await array.umount();
    expect(array.findings()).toBeUndefined();
  });
});
