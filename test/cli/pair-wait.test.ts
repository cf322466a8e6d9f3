/** Waiting for a state of a pair, over a pair that goes through a list of states. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { pairName } from '../../src/cli/pair-name.js';
import { PAIR_WAIT_STATES, waitForPair } from '../../src/cli/pair-wait.js';
import type { ArrayClient } from '../../src/client/array-client.js';
import { PAIR_STATES } from '../../src/pair/pair-states.js';

const VOLUMES = [
  { number: 1, name: 'db' },
  { number: 2, name: 'db-copy' },
  { number: 3, name: 'db-copy2' },
  { number: 4, name: 'alone' },
];
const PAIRS = [
  { name: 'db:db-copy', primary: 'db', secondary: 'db-copy' },
  { name: 'db:db-copy2', primary: 'db', secondary: 'db-copy2' },
];

/** Each look at the pair shows the next state; the last one stays. Undefined: there is no pair. */
function clientOf(...states: (string | undefined)[]) {
  return clientWith(4, ...states);
}

/** The same, of a pair with so many unequal tracks at first, and one less at each look. */
function clientWith(unequalTracks: number, ...states: (string | undefined)[]) {
  let looks = 0;
  const tables: Readonly<Record<string, unknown>> = {
    volumes: VOLUMES,
    snapshots: [],
    pairs: PAIRS,
  };
  const client = {
    statusJson: async (table: string) => tables[table],
    pairJson: async (name: string) => {
      const secondaryState = states[Math.min(looks, states.length - 1)];
      const pair = { name, secondaryState, reason: 'a reason', trackCount: 16, pendingTracks: 4 };
      if (secondaryState === undefined) throw new ArrayError('ENOENT', 'no such file');
      looks += 1;
      return { ...pair, unequalTracks: Math.max(0, unequalTracks - looks + 1) };
    },
  };
  return { client: client as unknown as ArrayClient, looks: () => looks };
}

function captured(): () => string {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
    text += part;
    return true;
  });
  return () => text;
}

afterEach(() => vi.restoreAllMocks());

describe('waiting for a pair', () => {
  it('ends when the secondary is in the state', async () => {
    const { client, looks } = clientOf('split-pending', 'split-pending', 'split');
    const shown = captured();
    await waitForPair(client, 'db:db-copy', { state: 'split', json: false });
    expect([looks(), shown()]).toEqual([3, 'db:db-copy is split\n']);
  });

  it('prints the pair as JSON', async () => {
    const shown = captured();
    const wish = { state: 'duplex', json: true };
    await waitForPair(clientOf('duplex').client, '#1:#2', wish);
    expect(JSON.parse(shown())).toMatchObject({ name: 'db:db-copy', secondaryState: 'duplex' });
  });

  it('for simplex ends when the pair is gone', async () => {
    const shown = captured();
    const wish = { state: 'simplex', json: true };
    await waitForPair(clientOf('split-pending', undefined).client, 'db:db-copy', wish);
    expect(JSON.parse(shown())).toEqual({ name: 'db:db-copy', secondaryState: 'simplex' });
  });

  it.each<[string, (string | undefined)[], string]>([
    ['is gone', ['duplex', undefined], 'ENOENT: no pair db:db-copy'],
    ['is suspended', ['duplex-pending', 'suspended'], 'EBUSY: db:db-copy is suspended: a reason'],
  ])('for split gives up when the pair %s', async (_what, states, error) => {
    const wish = { state: 'split', json: false };
    const waiting = waitForPair(clientOf(...states).client, 'db:db-copy', wish);
    await expect(waiting).rejects.toThrow(error);
  });

  it('for suspended does not give up', async () => {
    const shown = captured();
    const { client } = clientOf('duplex', 'suspended');
    await waitForPair(client, 'db:db-copy', { state: 'suspended', json: false });
    expect(shown()).toBe('db:db-copy is suspended\n');
  });

  it('for equal ends when no track differs, however duplex the pair is', async () => {
    const shown = captured();
    const { client, looks } = clientWith(2, 'resync', 'duplex');
    await waitForPair(client, 'db:db-copy', { state: 'equal', json: false });
    expect([looks(), shown()]).toEqual([3, 'db:db-copy is equal\n']);
  });

  it.each([
    ['split', undefined, 'EBUSY: db:db-copy is split: a reason'],
    ['duplex', 0, 'EBUSY: db:db-copy is still duplex, 4 tracks differ'],
  ])('for equal gives up while the pair is %s (timeout %s)', async (state, timeout, error) => {
    const wish = { state: 'equal', json: false, ...(timeout !== undefined && { timeout }) };
    const waiting = waitForPair(clientOf(state).client, 'db:db-copy', wish);
    await expect(waiting).rejects.toThrow(error);
  });

  it('for simplex gives up where there are no such volumes', async () => {
    const wish = { state: 'simplex', json: false };
    const waiting = waitForPair(clientOf(undefined).client, 'db:nosuch', wish);
    await expect(waiting).rejects.toThrow("ENOENT: no such volume: 'nosuch'");
  });

  it('gives up after the timeout, having looked at least once', async () => {
    const { client, looks } = clientOf('duplex-pending');
    const wish = { state: 'duplex', timeout: 0, json: false };
    await expect(waitForPair(client, 'db:db-copy', wish)).rejects.toThrow(
      'EBUSY: db:db-copy is still duplex-pending',
    );
    expect(looks()).toBe(1);
  });

  it('knows every state that a secondary can show', () => {
    const seen = Object.values(PAIR_STATES).map((row) => row.secondary);
    expect([...PAIR_WAIT_STATES].sort()).toEqual([...new Set(seen), 'equal'].sort());
  });
});

describe('the name of a pair', () => {
  const { client } = clientOf();

  it.each([
    ['db:db-copy', 'db:db-copy'],
    ['#1:#3', 'db:db-copy2'],
    ['#1:db-copy2', 'db:db-copy2'],
    ['#2', 'db:db-copy'],
    ['db-copy2', 'db:db-copy2'],
  ])('of %s is %s', async (reference, name) => {
    expect(await pairName(client, reference)).toBe(name);
  });

  it.each([
    ['#4', "ENOENT: no such pair: '#4'"],
    ['#1', 'EINVAL: db is in several pairs, name one of them: db:db-copy, db:db-copy2'],
    ['#9:#1', "ENOENT: no such volume or snapshot: '#9'"],
  ])('is not %s', async (reference, error) => {
    await expect(pairName(client, reference)).rejects.toThrow(error);
  });
});
