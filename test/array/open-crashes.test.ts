/** Crashes while an array is opened, at every moment and twice in a row: the next mount has it all. */
import { beforeEach, describe, expect, it } from 'vitest';
import { recordKey } from '../../src/store/keys.js';
import { heldGeneration, unpackLogRecord } from '../../src/store/log-format.js';
import type { MemoryStore } from '../../src/store/memory-store.js';
import { openMemoryArray } from '../support/memory-array.js';
import { ArrayFixture } from './array-fixture.js';

/** Turns of the event loop a write to the log takes. */
const LOG_TURNS = 3;

let fixture: ArrayFixture;
beforeEach(async () => {
  fixture = await ArrayFixture.open();
  await fixture.create(4, 'db');
  await fixture.fill('db', 1, 7);
  const image = fixture.array.openImage(fixture.array.volume('db'), { write: false });
  await image.sync();
});

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve();
}

/** Opens what a crash left, and crashes `count` turns later; says whether opening was done by then. */
async function crashAfter(count: number, isNew: () => boolean): Promise<boolean> {
  let isDone = false;
  fixture.store.log.pause = () => turns(LOG_TURNS);
  const opening = openMemoryArray(fixture.store, fixture.clock).then(() => {
    isDone = true;
  });
  await turns(count);
  const wasDone = isDone;
  fixture.store = fixture.store.crash(undefined, isNew);
  await opening;
  return wasDone;
}

/** Turns of the event loop that opening takes. */
async function turnsToOpen(): Promise<number> {
  const store = fixture.store;
  for (let count = 1; ; count += 1) {
    fixture.store = store.crash();
    if (await crashAfter(count, () => false)) {
      fixture.store = store;
      return count;
    }
  }
}

/** What a crash leaves, after each of `count` turns of opening; equal ones once. */
async function distinctCrashes(before: MemoryStore, count: number, isNew: () => boolean) {
  const left = new Map<string, MemoryStore>();
  for (let turn = 0; turn <= count; turn += 1) {
    fixture.store = before.crash();
    await crashAfter(turn, isNew);
    left.set(logState(fixture.store), fixture.store);
  }
  return [...left.values()];
}

/** Generations of the log that the store knows, and that the log has. */
function logState(store: MemoryStore): string {
  const record = unpackLogRecord(store.get('records', recordKey('log')) as Uint8Array);
  return `${record.generation}/${heldGeneration(store.log)?.generation}`;
}

describe('an array whose opening a crash ended', () => {
  it('replays its log again, or finds it replayed', async () => {
    const before = fixture.store;
    const count = await turnsToOpen();
    const found: number[][] = [];
    for (let turn = 0; turn <= count; turn += 1) {
      fixture.store = before.crash();
      await crashAfter(turn, () => false);
      await fixture.remount('killed');
      found.push(fixture.bytes('db'));
    }
    expect(count).toBeGreaterThan(10);
    expect(found).toEqual(found.map(() => [0, 7, 0, 0]));
  });

  it.each([
    ['no byte', () => false],
    ['every byte', () => true],
  ])('opens after two such crashes that left %s of a log write under way', async (_what, isNew) => {
    // With nothing to replay the turns of both are those in which the log is begun anew.
    await fixture.remount('killed');
    const before = fixture.store;
    const count = await turnsToOpen();
    const found: number[][] = [];
    const left = await distinctCrashes(before, count, isNew);
    for (const store of left) {
      for (const again of await distinctCrashes(store, count, isNew)) {
        fixture.store = again;
        await fixture.remount('killed');
        found.push(fixture.bytes('db'));
      }
    }
    // Nothing done yet, announced, begun.
    expect(left.length).toBeGreaterThanOrEqual(3);
    expect(found).toEqual(found.map(() => [0, 7, 0, 0]));
  });
});
