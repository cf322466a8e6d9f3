/** Generations: what is packed when, waiters, and what becomes of two that are put together. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { recordKey } from '../../src/store/keys.js';
import { ALL_SECTORS } from '../../src/store/records.js';
import { ZEROS } from '../../src/store/resolve.js';
import { Generation } from '../../src/volume/generation.js';
import type { CachedBlock, Layer, Lineage } from '../../src/volume/lineage.js';
import { location, newLineage } from './write-cache-fixture.js';

let lineage: Lineage;
beforeEach(() => {
  lineage = newLineage(1);
});

function stored(sequence: number): Generation {
  const generation = new Generation(sequence);
  generation.state = 'stored';
  return generation;
}

function cached(id: number, options: Partial<CachedBlock> = {}): CachedBlock {
  const place = id === 0 ? ZEROS : location(id);
  const rest = { span: undefined, start: 0, sectors: ALL_SECTORS, shared: false, unlogged: 0 };
  return { ...rest, location: place, ...options };
}

/** A layer of the lineage in the generation, as the write cache would have made it. */
function addLayer(
  generation: Generation,
  blocks: readonly [number, CachedBlock][],
  of = lineage,
): Layer {
  const unlogged = blocks.filter(([, entry]) => entry.unlogged !== 0).map(([block]) => block);
  const layer: Layer = {
    kind: 'layer',
    order: generation.sequence,
    sequence: generation.sequence,
    lineage: of,
    epoch: of.epoch,
    blocks: new Map(blocks),
    unlogged: new Set(unlogged),
  };
  generation.steps.push(layer);
  generation.dirtyBlocks += blocks.length;
  of.layers.push(layer);
  return layer;
}

const source = (number: number, pack: () => Uint8Array) => {
  return { recordKey: recordKey('job', number), packRecord: pack };
};

describe('Generation.absorb', () => {
  it('takes the sequence, the records and the blocks of the next one', () => {
    const [first, next] = [new Generation(4), new Generation(5)];
    first.change(recordKey('job', 1), Uint8Array.of(1));
    first.touch(
      source(2, () => Uint8Array.of(2)),
      'command',
    );
    next.change(recordKey('job', 1), undefined);
    next.touch(
      source(3, () => Uint8Array.of(3)),
      'write',
    );
    next.discards.push(77);
    for (const generation of [first, next]) {
      generation.close();
      generation.state = 'stored';
      generation.dirtyBlocks = 2;
    }
    first.absorb(next);
    expect([first.sequence, first.dirtyBlocks, first.discards]).toEqual([5, 4, [77]]);
    expect(first.records).toEqual([
      { key: recordKey('job', 1), value: undefined },
      { key: recordKey('job', 2), value: Uint8Array.of(2) },
      { key: recordKey('job', 3), value: Uint8Array.of(3) },
    ]);
    expect([first.unlogged.sources.size, first.unlogged.passing.size]).toEqual([1, 1]);
    expect([...first.unlogged.changes.values()]).toEqual([
      { key: recordKey('job', 1), value: undefined },
    ]);
  });

  it('merges layers of one lineage and epoch, the newer block over the older', () => {
    const [first, next] = [stored(1), stored(2)];
    const layer = addLayer(first, [
      [0, cached(10)],
      [1, cached(11)],
    ]);
    addLayer(next, [
      [1, cached(21)],
      [2, cached(22)],
    ]);
    first.absorb(next);
    expect([first.steps, lineage.layers]).toEqual([[layer], [layer]]);
    expect([...layer.blocks].map(([block, entry]) => [block, entry.location?.id])).toEqual([
      [0, 10],
      [1, 21],
      [2, 22],
    ]);
    expect([first.discards, first.blockCount]).toEqual([[11], 3]);
  });

  it.each<[string, CachedBlock, number[]]>([
    ['a block of its own', cached(10), [10]],
    ['a shared block', cached(10, { shared: true }), []],
    ['zeros', cached(0), []],
  ])('that replaces %s discards what nobody else refers to', (_what, old, discards) => {
    const [first, next] = [stored(1), stored(2)];
    addLayer(first, [[0, old]]);
    addLayer(next, [[0, cached(20)]]);
    first.absorb(next);
    expect(first.discards).toEqual(discards);
  });

  it('keeps what the log lacks of both', () => {
    const [first, next] = [stored(1), stored(2)];
    const layer = addLayer(first, [
      [0, cached(10, { unlogged: 0b0011 })],
      [1, cached(11, { unlogged: 0b1000 })],
      [2, cached(12)],
    ]);
    addLayer(next, [
      [0, cached(20, { unlogged: 0b0110 })],
      [1, cached(21)],
      [2, cached(22)],
      [3, cached(23, { unlogged: 1 })],
    ]);
    first.absorb(next);
    expect([...layer.blocks.values()].map(({ unlogged }) => unlogged)).toEqual([7, 8, 0, 1]);
    expect([...layer.unlogged].sort()).toEqual([0, 1, 3]);
  });

  it('keeps steps of other lineages and epochs apart and in order', () => {
    const other = newLineage(2);
    const [first, next] = [stored(1), stored(2)];
    const one = addLayer(first, [[0, cached(10)]]);
    lineage.epoch += 1;
    const two = addLayer(next, [[0, cached(20)]]);
    const three = addLayer(next, [[0, cached(30)]], other);
    first.absorb(next);
    expect(first.steps).toEqual([one, two, three]);
    expect([lineage.layers, other.layers]).toEqual([[one, two], [three]]);
  });

  it('is told to all who wait, and is wanted where one of them was', async () => {
    const [first, next] = [stored(1), stored(2)];
    next.flushRequested = true;
    const waiting = [first.published(), next.published()];
    first.absorb(next);
    expect(first.flushRequested).toBe(true);
    first.settle();
    await Promise.all(waiting);
  });

  it('takes only what is stored', () => {
    expect(() => stored(1).absorb(new Generation(2))).toThrow(/both are stored/);
  });
});

describe('Generation', () => {
  it('is empty until it has a step or a record', () => {
    const generation = new Generation(1);
    expect(generation.isEmpty).toBe(true);
    generation.change(recordKey('job', 1), undefined);
    expect(generation.isEmpty).toBe(false);
  });

  it('has its records when it is closed', () => {
    expect(() => new Generation(1).records).toThrow(/packed when the generation is closed/);
  });

  it('tells each who waits once', async () => {
    const generation = new Generation(1);
    const failed = generation.published();
    generation.settle(new ArrayError('EIO', 'no'));
    const later = generation.published();
    generation.settle();
    await expect(failed).rejects.toMatchObject({ code: 'EIO' });
    await later;
  });
});
