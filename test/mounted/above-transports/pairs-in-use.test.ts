/** Pairs that are split while hosts write: two volumes that depend on each other, and a file system at work. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { repeat } from '../../support/factor.js';
import { canLoop, canMount, MIB, MountedArray } from '../../support/mounted-array.js';
import { lastNumber, PLACE_BYTES, writeNumbers } from '../../support/numbered-writes.js';
import { ARRAYFS, done, shell, start } from '../../support/programs.js';
import { cleanScratch } from '../../support/scratch-directory.js';

const SPLITS = repeat(10);
const PLACES = (4 * MIB) / PLACE_BYTES;
const GROUP = 'a:a-copy b:b-copy';

let array: MountedArray;

function wait(pair: string, state: string): void {
  done(ARRAYFS, '--mount', array.mount, 'pair', 'wait', pair, state, '--timeout', '120');
}

/** An array with a second pool, `mirror`. */
function makeArray(): void {
  array = MountedArray.create();
  array.ok('pooladd', `mirror ${join(array.directory, 'mirror')} capacity=2G`);
}

describe.skipIf(!canMount)('two pairs, over two pools', () => {
  beforeEach(makeArray);
  afterEach(cleanScratch);

  it(`split as a group never show a write without the one before it (${SPLITS} times)`, async () => {
    for (const [name, pool] of [
      ['a', 'main'],
      ['b', 'mirror'],
      ['a-copy', 'mirror'],
      ['b-copy', 'main'],
    ]) {
      array.ok('create', `${name} ${PLACES * PLACE_BYTES} pool=${pool}`);
    }
    array.ok('paircreate', 'a a-copy pace=fast');
    array.ok('paircreate', 'b b-copy pace=fast');
    let isOver = false;
    const rounds = writeNumbers([array.volume('a'), array.volume('b')], PLACES, () => isOver);
    const ahead: number[] = [];
    for (let split = 0; split < SPLITS; split += 1) {
      await array.okLater('split', GROUP);
      const last = (volume: string) => lastNumber(array.volume(volume), PLACES);
      ahead.push(last('a-copy') - last('b-copy'));
      await array.okLater('resync', GROUP);
      await new Promise((resolve) => setTimeout(resolve, 20 * split));
    }
    isOver = true;
    expect(await rounds).toBeGreaterThan(SPLITS);
    expect(ahead.filter((difference) => difference !== 0 && difference !== 1)).toEqual([]);
    array.ok('pairpace', `${GROUP} pace=fast`);
    for (const pair of GROUP.split(' ')) wait(pair, 'duplex');
    array.ok('split', GROUP);
    for (const pair of GROUP.split(' ')) wait(pair, 'split');
    shell(`cmp ${array.volume('a')} ${array.volume('a-copy')}`);
    shell(`cmp ${array.volume('b')} ${array.volume('b-copy')}`);
    await array.umount();
    expect(array.findings()).toBeUndefined();
  });
});

describe.skipIf(!canLoop)('the pair of a file system', () => {
  beforeEach(makeArray);
  afterEach(cleanScratch);

  it('that is being written to is consistent on the secondary, at once and when all is copied', async () => {
    array.ok('create', 'db 96M');
    array.ok('create', 'copy 96M pool=mirror');
    done('mkfs.ext4', '-q', array.volume('db'));
    const point = array.loopMount(array.volume('db'), 'primary');
    array.ok('paircreate', 'db copy pace=slow');
    const words = ['--name=w', `--directory=${point}`, '--rw=randwrite', '--bs=4k', '--size=24M'];
    const fio = start('fio', ...words, '--fsync=16', '--time_based', '--runtime=6', '--numjobs=2');
    for (let split = 0; split < 2; split += 1) {
      array.ok('split', 'db:copy');
      // As after a power cut: the journal is replayed, then nothing is left to complain about.
      const copy = array.loopMount(array.volume('copy'), `copy${split}`);
      await array.loopUnmount(copy);
      done('fsck.ext4', '-fn', array.volume('copy'));
      array.ok('resync', 'db:copy pace=fast');
      wait('db:copy', 'duplex');
    }
    expect(await fio.result).toMatchObject({ status: 0 });
    await array.loopUnmount(point);
    done('fsck.ext4', '-fn', array.volume('db'));
    array.ok('split', 'db:copy');
    wait('db:copy', 'split');
    shell(`cmp ${array.volume('db')} ${array.volume('copy')}`);
    await array.umount();
  });
});
