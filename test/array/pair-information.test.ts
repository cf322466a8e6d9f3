/** The volume-information sector of sides of pairs: carried by a split, cleared by what overwrites a side, and neither without the other. */
import { describe, expect, it } from 'vitest';
import { INFO_BYTES } from '../../src/base/limits.js';
import { PAIR, PairsFixture } from './pairs-fixture.js';

const OF_PRIMARY = new Uint8Array(INFO_BYTES).fill(1);
const OF_SPLIT = new Uint8Array(INFO_BYTES).fill(2);
const OF_SECONDARY = new Uint8Array(INFO_BYTES).fill(3);

function infoOf(fixture: PairsFixture, name: string): number | undefined {
  return fixture.array.volume(name).info?.[0];
}

async function store(fixture: PairsFixture, name: string, info: Uint8Array): Promise<void> {
  await fixture.drive(fixture.array.setInfo(fixture.array.volume(name), info));
}

describe.each([1, 2] as const)('volume information of a pair in %i pools', (pools) => {
  async function duplex(): Promise<PairsFixture> {
    const fixture = await PairsFixture.open(pools);
    await store(fixture, 'db', OF_PRIMARY);
    await store(fixture, 'copy', OF_SECONDARY);
    await fixture.duplex();
    return fixture;
  }

  it('is cleared by what begins to overwrite the secondary', async () => {
    const fixture = await duplex();
    expect([infoOf(fixture, 'db'), infoOf(fixture, 'copy')]).toEqual([1, undefined]);
    await fixture.do('split');
    await fixture.until('split');
    await store(fixture, 'copy', OF_SECONDARY);
    await fixture.do('resync');
    expect(infoOf(fixture, 'copy')).toBe(undefined);
  });

  it('of the primary is cleared by a reverse resync', async () => {
    const fixture = await duplex();
    await fixture.do('split');
    await fixture.until('split');
    await fixture.do('reverse');
    expect(infoOf(fixture, 'db')).toBe(undefined);
  });

  it('stays where a pair on demand is defined, until the copy', async () => {
    const fixture = await PairsFixture.open(pools);
    await store(fixture, 'db', OF_PRIMARY);
    await store(fixture, 'copy', OF_SECONDARY);
    await fixture.create({ mode: 'on-demand' });
    expect(infoOf(fixture, 'copy')).toBe(3);
    await fixture.do('copy');
    expect(infoOf(fixture, 'copy')).toBe(1);
  });

  it('of the primary goes with a split, and with a pair that is deleted', async () => {
    const fixture = await duplex();
    await fixture.do('split');
    expect(infoOf(fixture, 'copy')).toBe(1);
    await fixture.do('delete');
    expect(infoOf(fixture, 'copy')).toBe(1);
    const other = await duplex();
    await other.write('db', 2, [1]);
    await other.do('delete');
    expect(infoOf(other, 'copy')).toBe(1);
  });

  it.each(['split', 'copy'] as const)(
    'given with %s is stored with the secondary, not with the primary',
    async (command) => {
      const fixture = await PairsFixture.open(pools);
      await store(fixture, 'db', OF_PRIMARY);
      await fixture.create({ mode: command === 'copy' ? 'on-demand' : 'mirror' });
      const { pairing } = fixture;
      const options = { info: OF_SPLIT };
      await fixture.drive(
        command === 'copy'
          ? pairing.copyPairs([PAIR], options)
          : pairing.splitPairs([PAIR], options),
      );
      const before = fixture.stores.map((each) => each.crash());
      expect([infoOf(fixture, 'db'), infoOf(fixture, 'copy')]).toEqual([1, 2]);
      // Right after the answer the daemon is killed.
      fixture.stores = before;
      await fixture.kill();
      expect([infoOf(fixture, 'db'), infoOf(fixture, 'copy')]).toEqual([1, 2]);
      await fixture.until('split');
      expect(infoOf(fixture, 'copy')).toBe(2);
    },
  );

  it('given with a split that is refused is not stored', async () => {
    const fixture = await duplex();
    await fixture.do('suspend');
    const refusal = await fixture.refusal(() =>
      fixture.pairing.splitPairs([PAIR], { info: OF_SPLIT }),
    );
    expect(refusal).toMatch(/^EBUSY/);
    expect(infoOf(fixture, 'copy')).toBe(undefined);
    const tooShort = () => fixture.pairing.splitPairs([PAIR], { info: new Uint8Array(10) });
    await fixture.do('resync');
    expect(await fixture.refusal(tooShort)).toMatch(/^EINVAL/);
    expect(fixture.pair.state).not.toBe('split-pending');
  });

  it('is stored if and only if the split is, whenever the daemon is killed', async () => {
    const found: string[] = [];
    for (let turn = 0; turn < 40; turn += 1) {
      const fixture = await duplex();
      const splitting = fixture.pairing.splitPairs([PAIR], { info: OF_SPLIT });
      splitting.catch(() => undefined);
      // The secondary's pool stores what it has at once.
      fixture.array.poolList
        .named(fixture.secondPool)
        .content.durable()
        .catch(() => undefined);
      for (let done = 0; done < turn; done += 1) await Promise.resolve();
      await fixture.kill();
      found.push(`${fixture.pair.secondaryState} ${infoOf(fixture, 'copy')}`);
    }
    const kinds = new Set(found.map((each) => each.replace('split-pending', 'split')));
    expect([...kinds].sort()).toEqual(['duplex undefined', 'split 2']);
  });
});
