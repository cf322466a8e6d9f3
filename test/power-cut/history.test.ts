/** What the promise allows and forbids after a power cut, case by case. */
import { describe, expect, it } from 'vitest';
import { brokenPromise, type Step } from './history.js';

const create: Step = { kind: 'create', volume: 'v', sectors: 4 };
const sync: Step = { kind: 'sync', volume: 'v' };
const snapshot: Step = { kind: 'snapshot', volumes: ['v'], name: 's' };
const restore: Step = { kind: 'restore', volume: 'v', snapshot: 's' };
const clone: Step = { kind: 'clone', volume: 'v', snapshot: 's', newVolume: 'c' };

function write(stamp: number, sector: number, count = 1, volume = 'v'): Step {
  return { kind: 'write', volume, sector, count, stamp };
}

type Images = Readonly<Record<string, readonly number[]>>;

/** The last step was answered unless told otherwise. */
function broken(steps: readonly Step[], found: Images, ended = steps.length): string | undefined {
  const copies = new Map(Object.entries(found).map(([name, is]) => [name, Int32Array.from(is)]));
  return brokenPromise(steps, { begun: steps.length, ended }, copies);
}

const two = [create, write(1, 0), sync, write(2, 1), write(3, 0)];

describe('a volume after a power cut', () => {
  it.each<[string, Images]>([
    ['everything', { v: [3, 2, 0, 0] }],
    ['a prefix', { v: [1, 2, 0, 0] }],
    ['no more than what was synced', { v: [1, 0, 0, 0] }],
  ])('may hold %s', (_what, found) => expect(broken(two, found)).toBeUndefined());

  it.each<[string, Images, RegExp]>([
    ['less than what was synced', { v: [0, 0, 0, 0] }, /v with .* sector 0 is 0/],
    ['a later write without an earlier one', { v: [3, 0, 0, 0] }, /sector 1 is 0, not 2/],
    ['something torn', { v: [1, -1, 0, 0] }, /sector 1 is -1/],
    ['what nobody wrote', { v: [3, 2, 9, 0] }, /sector 2 is 9/],
    ['another size', { v: [1, 2, 0] }, /3 sectors, not 4/],
    ['nothing at all', {}, /v is missing/],
  ])('must not hold %s', (_what, found, problem) => {
    expect(broken(two, found)).toMatch(problem);
  });

  it('loses and keeps a new size like a write', () => {
    const steps: Step[] = [create, write(1, 3), sync, { kind: 'resize', volume: 'v', sectors: 2 }];
    expect(broken(steps, { v: [0, 0, 0, 1] })).toBeUndefined();
    expect(broken(steps, { v: [0, 0] })).toBeUndefined();
    const grown: Step[] = [...steps, { kind: 'resize', volume: 'v', sectors: 4 }, sync];
    expect(broken(grown, { v: [0, 0, 0, 0] })).toBeUndefined();
    expect(broken(grown, { v: [0, 0, 0, 1] })).toMatch(/sector 3 is 1, not 0/);
  });

  it('keeps what a sync of the array covered', () => {
    const steps: Step[] = [create, write(1, 0), { kind: 'syncAll' }];
    expect(broken(steps, { v: [0, 0, 0, 0] })).toBeDefined();
    expect(broken(steps, { v: [0, 0, 0, 0] }, 2)).toBeUndefined();
  });

  it('is there after an answered create, gone after an answered delete, either before', () => {
    const made = { v: [0, 0, 0, 0] };
    expect(broken([create], {})).toBeDefined();
    expect(broken([create], {}, 0)).toBeUndefined();
    expect(broken([create], made, 0)).toBeUndefined();
    const deleted: Step[] = [create, { kind: 'delete', volume: 'v' }];
    expect(broken(deleted, made)).toMatch(/v should be gone/);
    expect(broken(deleted, {})).toBeUndefined();
    expect(broken(deleted, made, 1)).toBeUndefined();
    expect(broken([], made)).toMatch(/v should not be there/);
  });
});

describe('a snapshot after a power cut', () => {
  const steps = [...two, snapshot, write(4, 2)];
  it.each<[string, Images]>([
    ['what the volume held', { v: [3, 2, 4, 0], 'v@s': [3, 2, 0, 0] }],
    ['that, with later writes lost', { v: [3, 2, 0, 0], 'v@s': [3, 2, 0, 0] }],
    ['a prefix of it', { v: [1, 2, 0, 0], 'v@s': [1, 2, 0, 0] }],
  ])('may hold %s', (_what, found) => expect(broken(steps, found)).toBeUndefined());

  it.each<[string, Images]>([
    ['less than the volume had kept', { v: [3, 2, 4, 0], 'v@s': [1, 2, 0, 0] }],
    ['less than what was synced', { v: [0, 0, 0, 0], 'v@s': [0, 0, 0, 0] }],
    ['a later write', { v: [3, 2, 4, 0], 'v@s': [3, 2, 4, 0] }],
  ])('must not hold %s', (_what, found) => expect(broken(steps, found)).toBeDefined());

  it('is there when it was answered, and otherwise of all its volumes or of none', () => {
    const both: Step[] = [
      create,
      { ...create, volume: 'w' },
      { ...snapshot, volumes: ['v', 'w'] } as Step,
    ];
    const empty = [0, 0, 0, 0];
    expect(broken(both, { v: empty, w: empty })).toMatch(/v@s is missing/);
    expect(broken(both, { v: empty, w: empty }, 2)).toBeUndefined();
    expect(broken(both, { v: empty, w: empty, 'v@s': empty, 'w@s': empty }, 2)).toBeUndefined();
    expect(broken(both, { v: empty, w: empty, 'v@s': empty }, 2)).toBeDefined();
  });

  it('is gone when its deletion was answered', () => {
    const dropped: Step[] = [create, snapshot, { kind: 'drop', volume: 'v', snapshot: 's' }];
    const kept = { v: [0, 0, 0, 0], 'v@s': [0, 0, 0, 0] };
    expect(broken(dropped, kept)).toMatch(/v@s should be gone/);
    expect(broken(dropped, kept, 2)).toBeUndefined();
  });
});

describe('a restored volume and a clone after a power cut', () => {
  it('hold the snapshot and a prefix of what was written then', () => {
    const steps = [create, write(1, 0), snapshot, write(2, 0), restore, write(3, 1), clone];
    const all = { 'v@s': [1, 0, 0, 0], c: [1, 0, 0, 0] };
    expect(broken(steps, { ...all, v: [1, 3, 0, 0] })).toBeUndefined();
    expect(broken(steps, { ...all, v: [1, 0, 0, 0] })).toBeUndefined();
    expect(broken(steps, { ...all, v: [2, 0, 0, 0] })).toBeDefined();
    expect(broken(steps, { v: [1, 3, 0, 0], 'v@s': [1, 0, 0, 0] })).toMatch(/c is missing/);
    const lost = { v: [0, 0, 0, 0], 'v@s': [0, 0, 0, 0] };
    expect(broken(steps, { ...lost, c: [0, 0, 0, 0] })).toBeUndefined();
    expect(broken(steps, { ...lost, c: [1, 0, 0, 0] })).toBeDefined();
  });

  it('have losses of their own', () => {
    const steps = [create, write(1, 0), snapshot, clone, write(2, 1, 1, 'c'), write(3, 2)];
    const kept = { 'v@s': [1, 0, 0, 0] };
    expect(broken(steps, { ...kept, v: [1, 0, 3, 0], c: [1, 0, 0, 0] })).toBeUndefined();
    expect(broken(steps, { ...kept, v: [1, 0, 0, 0], c: [1, 2, 0, 0] })).toBeUndefined();
  });

  it('of a volume that is gone hold what any loss of it explains', () => {
    const steps: Step[] = [create, write(1, 0), snapshot, clone, { kind: 'delete', volume: 'v' }];
    expect(broken(steps, { c: [1, 0, 0, 0] })).toBeUndefined();
    expect(broken(steps, { c: [0, 0, 0, 0] })).toBeUndefined();
    expect(broken(steps, { c: [0, 1, 0, 0] })).toBeDefined();
  });
});
