/** What the array tells whoever keeps something of it: each change once it is in memory. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { StorageArray } from '../../src/array/array.js';
import type { ArrayWatcher, SnapshotView, VolumeView } from '../../src/array/disk-array.js';
import { ManualClock } from '../support/manual-clock.js';
import { newMemoryStore, openMemoryArray } from '../support/memory-array.js';

const FORCE = { force: true };

/** Takes note of every call as one line, without those of events. */
class Notes implements ArrayWatcher {
  lines: string[] = [];
  events = 0;

  constructor(private readonly array: StorageArray) {}

  contentChanged(copy: VolumeView | SnapshotView): void {
    this.lines.push(`content #${copy.number} ${copy.sizeBytes}`);
  }
  attributesChanged(copy: VolumeView | SnapshotView): void {
    const present = this.array.findVolume(`#${copy.number}`)?.name ?? 'not a volume';
    this.lines.push(`${copy.kind} #${copy.number} ${copy.mode.toString(8)} is ${present}`);
  }
  infoChanged(copy: VolumeView | SnapshotView): void {
    this.lines.push(`info #${copy.number} ${copy.info?.length}`);
  }
  eventRecorded(): void {
    this.events += 1;
  }
  jobChanged(id: number): void {
    this.lines.push(`job ${id} ${this.array.job(id).state}`);
  }
  pairChanged(number: number): void {
    this.lines.push(`pair ${number}`);
  }
}

let array: StorageArray;
let notes: Notes;

beforeEach(async () => {
  const clock = new ManualClock();
  array = await openMemoryArray(newMemoryStore(clock), clock);
  await array.createVolume({ name: 'db', sizeBytes: 65_536 });
  await array.takeSnapshots(['db'], { name: 'monday' });
  notes = new Notes(array);
  array.watch(notes);
});

describe('the watcher of an array', () => {
  it.each<[string, () => unknown, string[]]>([
    ['a new volume', () => array.createVolume({ name: 'x', sizeBytes: 0 }), []],
    ['a new snapshot', () => array.takeSnapshots(['db'], { name: 'x' }), []],
    ['a clone', () => array.clone('db', 'monday', 'x', {}), []],
    ['a label', () => array.setLabel(array.volume('db'), 'x'), []],
    ['a restore', () => array.restore('db', 'monday', FORCE), ['content #1 65536']],
    ['a resize', () => array.resizeVolume('db', 512, FORCE), ['content #1 512']],
    ['a rename', () => array.renameVolume('db', 'new'), ['volume #1 600 is new']],
    [
      'a deleted volume with its snapshots',
      () => array.deleteVolume('db', { snapshots: true }),
      ['snapshot #2 600 is not a volume', 'volume #1 600 is not a volume'],
    ],
    [
      'a deleted snapshot',
      () => array.deleteSnapshot('db', 'monday', FORCE),
      ['snapshot #2 600 is not a volume'],
    ],
    [
      'another mode',
      () => array.setOwnership(array.copy('db@monday'), { mode: 0o644 }),
      ['snapshot #2 644 is not a volume'],
    ],
    [
      'an information sector',
      () => array.setInfo(array.volume('db'), new Uint8Array(512)),
      ['info #1 512'],
    ],
  ])('is told of %s', async (_what, change, lines) => {
    await change();
    expect(notes.lines).toEqual(lines);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['a restore', () => array.restore('db', 'none', FORCE)],
    ['a rename', () => array.renameVolume('db', 'db')],
    ['a deletion', () => array.deleteVolume('db', { snapshots: false })],
  ])('is told nothing of %s that is refused', async (_what, change) => {
    await expect(change()).rejects.toThrow();
    expect([notes.lines, notes.events]).toEqual([[], 0]);
  });

  it('is told of each step of a pair, last of its end', async () => {
    await array.createVolume({ name: 'copy', sizeBytes: 65_536 });
    const options = { mode: 'on-demand', pace: 'fast', sync: false, force: false } as const;
    await array.createPair('db', 'copy', options);
    const { number } = array.pair('db:copy');
    expect(notes.lines).toContain(`pair ${number}`);
    notes.lines = [];
    await array.setPairPace(['db:copy'], 'slow');
    expect(notes.lines).toEqual([`pair ${number}`]);
    notes.lines = [];
    await array.deletePairs(['db:copy'], { now: true });
    expect(notes.lines.at(-1)).toBe(`pair ${number}`);
    expect(array.findPair('db:copy')).toBeUndefined();
  });

  it('is not told of what a host writes', async () => {
    const image = array.openImage(array.volume('db'), { write: true });
    await image.write(0, Buffer.from('data'));
    await image.resize(1024);
    await image.discard(0, 512);
    image.close();
    expect(notes.lines).toEqual([]);
  });

  it('is told when a line of events can be read, and when a job changes', async () => {
    array.recordEvent('BUSY', '-', 'text');
    expect(notes.events).toBe(1);
    const { id } = await array.scrub('all');
    await array.cancelJob(id).catch(() => undefined);
    expect(notes.lines[0]).toBe(`job ${id} running`);
    expect(notes.lines.at(-1)).toMatch(new RegExp(`^job ${id} (done|cancelled)$`));
  });
});
