/** Thousands of volumes and snapshots: made quickly, listed whole, there after a remount. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canMount, MountedArray } from '../support/mounted-array.js';
import { shell } from '../support/programs.js';
import { cleanScratch } from '../support/scratch-directory.js';

const VOLUMES = 2_000;
const SNAPSHOTS = 1_000;
/** Commands of one round: they share commits as those of many users would. */
const AT_ONCE = 50;

describe.skipIf(!canMount)('an array with many copies', () => {
  let array: MountedArray;

  beforeAll(() => {
    array = MountedArray.create();
  });
  afterAll(cleanScratch);

  async function commands(count: number, run: (number: number) => Promise<void>): Promise<void> {
    for (let first = 1; first <= count; first += AT_ONCE) {
      const size = Math.min(AT_ONCE, count - first + 1);
      await Promise.all(Array.from({ length: size }, (_, index) => run(first + index)));
    }
  }

  it(`makes and lists ${VOLUMES} volumes`, async () => {
    await commands(VOLUMES, (number) => array.okLater('create', `v${number} 10G`));
    expect(array.volumes()).toHaveLength(VOLUMES);
    expect(new Set(readdirSync(array.path('volumes'))).size).toBe(VOLUMES);
    expect(shell(`ls -l ${array.path('volumes')} | grep -c ' 10737418240 '`)).toBe(`${VOLUMES}`);
  });

  it(`takes and lists ${SNAPSHOTS} snapshots of one volume, each with its own content`, async () => {
    shell(`printf first | dd of=${array.volume('v1')} conv=notrunc status=none`);
    array.ok('snapshot', 'v1 name=first');
    shell(`printf other | dd of=${array.volume('v1')} conv=notrunc status=none`);
    await commands(SNAPSHOTS - 1, (number) => array.okLater('snapshot', `v1 name=s${number}`));
    expect(readdirSync(array.path('snapshots', 'v1'))).toHaveLength(SNAPSHOTS);
    expect(array.snapshots()).toHaveLength(SNAPSHOTS);
    const begins = (name: string) => shell(`head -c 5 ${array.snapshot('v1', name)}`);
    expect([begins('first'), begins('s1'), begins(`s${SNAPSHOTS - 1}`)]).toEqual([
      'first',
      'other',
      'other',
    ]);
  });

  it('shows them in a table whose lines stay readable', () => {
    const lines = array.read('status', 'volumes').split('\n');
    expect(lines.find((line) => / v1 /.test(line))).toMatch(/ #?2001-3000 /);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(250);
  });

  it('has all of them after kill -9', async () => {
    await array.kill();
    array.mountAgain();
    expect([array.volumes().length, array.snapshots().length]).toEqual([VOLUMES, SNAPSHOTS]);
  });

  it('deletes them again, and is clean', async () => {
    array.ok('delete', 'v1 snapshots=yes');
    await commands(VOLUMES - 1, (number) => array.okLater('delete', `v${number + 1}`));
    await array.reclaimed();
    expect([array.volumes(), array.pool().storedBlocks]).toEqual([[], 0]);
    expect(readFileSync(array.path('status', 'snapshots.json'), 'utf8')).toMatch(/^\[\s*\]\s*$/);
    await array.umount();
    expect(array.findings()).toBeUndefined();
  });
});
