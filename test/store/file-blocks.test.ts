/** Blocks in slots: when a slot is taken, kept and free again, and what is left by failures. */
import { describe, expect, it } from 'vitest';
import { recordKey } from '../../src/store/keys.js';
import { packUsedSlots, unpackUsedSlots } from '../../src/store/slot-records.js';
import { SlotMachine } from './slot-machine.js';

/** Puts and publishes blocks of these bytes. */
function publish(machine: SlotMachine, ...bytes: number[]): number[] {
  const ids = bytes.map((byte) => machine.put(byte));
  machine.blocks.endPuts();
  machine.transaction(() => {
    machine.blocks.sync();
    for (const id of ids) machine.blocks.keep(id);
  });
  return ids;
}

describe('FileBlocks', () => {
  it('keeps what was published, and nothing of what was only put', () => {
    const machine = new SlotMachine();
    publish(machine, 1, 2, 3);
    machine.put(4);
    machine.blocks.endPuts();
    const found = machine.crash();
    expect([found.ids(), [1, 2, 3].map((id) => found.byte(id))]).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
    found.growthLimit = 0;
    found.blocks.startPuts(5);
    expect([found.blocks.has(4), found.put(5)]).toEqual([false, 4]);
  });

  it('has synced what it keeps before the commit', () => {
    const machine = new SlotMachine();
    const ids = publish(machine, ...Array.from({ length: 200 }, (_, index) => index + 1));
    const found = machine.crash(() => true);
    expect(ids.map((id) => found.byte(id))).toEqual(ids);
  });

  it('does not take a freed slot again before the commit that freed it', () => {
    const machine = new SlotMachine();
    publish(machine, 1, 2, 3, 4);
    machine.growthLimit = 0;
    machine.blocks.startPuts(5);
    let during = 0;
    machine.transaction(() => {
      machine.blocks.free(2);
      during = machine.put(9);
    });
    expect([during, machine.put(8)]).toEqual([5, 2]);
  });

  it('keeps a freed slot where the transaction is undone', () => {
    const machine = new SlotMachine();
    publish(machine, 1, 2);
    machine.growthLimit = 0;
    machine.transaction(() => machine.blocks.free(2), 'is undone');
    machine.blocks.startPuts(3);
    expect([machine.put(9), machine.byte(2), machine.ids()]).toEqual([3, 2, [1, 2]]);
  });

  it('gives the slots of a task that did not end to the next', () => {
    const machine = new SlotMachine();
    publish(machine, 1);
    for (let round = 0; round < 5; round += 1) {
      machine.blocks.startPuts(2);
      expect([machine.put(7), machine.put(8), machine.put(9)]).toEqual([2, 3, 4]);
    }
  });

  it('keeps the slots of a task that did, until they are discarded', () => {
    const machine = new SlotMachine();
    publish(machine, 1);
    machine.blocks.startPuts(2);
    expect(machine.put(2)).toBe(2);
    machine.blocks.endPuts();
    machine.growthLimit = 0;
    machine.blocks.startPuts(3);
    expect(machine.put(3)).toBe(3);
    machine.transaction(() => machine.blocks.free(2));
    expect([machine.put(4), machine.byte(3), machine.ids()]).toEqual([2, 3, [1]]);
  });

  it('does not reuse what a commit that failed may have named, until one succeeds', () => {
    const machine = new SlotMachine();
    machine.growthLimit = 0;
    const id = machine.put(1);
    machine.transaction(() => machine.blocks.keep(id), 'fails');
    machine.blocks.startPuts(1);
    expect(machine.put(2)).toBe(2);
    machine.transaction(() => {});
    expect(machine.put(3)).toBe(1);
  });

  it('publishes again, after a failure, what was put before', () => {
    const machine = new SlotMachine();
    const id = machine.put(1);
    machine.blocks.endPuts();
    for (const outcome of ['is undone', 'fails', 'commits'] as const) {
      machine.transaction(() => {
        machine.blocks.sync();
        machine.blocks.keep(id);
      }, outcome);
    }
    expect([machine.ids(), machine.crash(() => true).byte(id)]).toEqual([[1], 1]);
  });

  it('writes again what a sync that failed may have lost', () => {
    const machine = new SlotMachine();
    const ids = Array.from({ length: 200 }, (_, index) => machine.put(index + 1));
    machine.blocks.endPuts();
    const publishAll = () =>
      machine.transaction(() => {
        machine.blocks.sync();
        for (const id of ids) machine.blocks.keep(id);
      });
    machine.slots.failingSyncs = 2;
    expect(publishAll).toThrow('EIO');
    machine.giveUp();
    expect(publishAll).toThrow('EIO');
    machine.giveUp();
    publishAll();
    const found = machine.crash(() => true);
    expect(ids.map((id) => found.byte(id))).toEqual(ids);
  });

  it('gives the end of the file back when a chunk of it is free', () => {
    const machine = new SlotMachine();
    const ids = publish(machine, ...Array.from({ length: 5_000 }, () => 1));
    machine.transaction(() => {
      for (const id of ids.slice(100)) machine.blocks.free(id);
    });
    expect([machine.slots.slotCount(), machine.ids()]).toEqual([100, ids.slice(0, 100)]);
  });

  it('takes no slot of a chunk whose bitmap is damaged, and leaves the bitmap alone', () => {
    const machine = new SlotMachine();
    publish(machine, 1, 2);
    const key = recordKey('usedSlots', 0);
    const bad = new Uint8Array(machine.state.table('records').get(text(key)) ?? []);
    bad[3] = 0xff;
    machine.state.table('records').put(text(key), bad);
    const found = machine.crash();
    found.blocks.startPuts(3);
    const [id] = publish(found, 3);
    found.transaction(() => expect(found.blocks.free(1)).toBe(true));
    expect([id, found.byte(1), found.blocks.markedCount()]).toEqual([4_097, 1, undefined]);
    expect(found.state.table('records').get(text(key))).toEqual(bad);
  });

  it('reads its slots in the order of their ids, wherever they are asked for', async () => {
    const machine = new SlotMachine();
    publish(machine, 5, 6, 7);
    await machine.blocks.prefetch([3, 1, 2, 900]);
    expect([3, 1].map((id) => machine.byte(id))).toEqual([7, 5]);
  });
});

describe('the record of used slots', () => {
  it('is a version, 512 bytes and a checksum', () => {
    const bitmap = new Uint8Array(512);
    bitmap[0] = 0x81;
    const value = packUsedSlots(bitmap);
    expect([value.length, value[0], value[1]]).toEqual([517, 1, 0x81]);
    expect(unpackUsedSlots(value)).toEqual(bitmap);
  });

  it.each<[string, (value: Uint8Array) => Uint8Array]>([
    ['a flipped bit', (value) => value.with(7, 1)],
    ['another size', (value) => value.slice(0, 300)],
  ])('is EIO with %s', (_what, change) => {
    expect(() => unpackUsedSlots(change(packUsedSlots(new Uint8Array(512))))).toThrow(/^EIO/);
  });
});

function text(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1');
}
