/** Microprocessors, controllers and ports that end or go while they move data: another goes on at the progress pointer. */
import { afterAll, describe, expect, it } from 'vitest';
import type { Transfer } from '../../src/array/backup-path.js';
import type { MicroprocessorPool } from '../../src/array/microprocessor-pool.js';
import { type Clock, systemClock } from '../../src/base/clock.js';
import type { PortId } from '../../src/san/port-id.js';
import { hashOf } from '../device/backup-source.js';
import { makeDevice } from '../device/device-cases.js';
import {
  BACKUP_CASES,
  backupRequest,
  bytesOn,
  CHUNK_BYTES,
  heldImage,
  ImageInMemory,
  makePool,
  managementOf,
  moving,
  portsOf,
  randomImage,
  restoreRequest,
  SinkInMemory,
  undisturbed,
  until,
} from '../support/backup-pool.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { cleanScratch } from '../support/scratch-directory.js';

afterAll(cleanScratch);

const IMAGE = randomImage(7, 12 * CHUNK_BYTES, 0.2);
const hasEnded = (transfer: Transfer) => () => transfer.phase === 'ended';

function userOf(pool: MicroprocessorPool, transfer: Transfer): string {
  const { microprocessor } = transfer;
  if (microprocessor === undefined) throw new Error('nobody has taken it up');
  expect(pool.microprocessors().map(({ name }) => name)).toContain(microprocessor);
  return microprocessor;
}

describe.each(BACKUP_CASES)('backups to %s in %s form', (kind, form) => {
  it('whose microprocessors are killed at any chunk become what they would have been', async () => {
    const expected = await undisturbed(kind, form, IMAGE);
    for (let seed = 1; seed <= repeat(3); seed += 1) {
      const random = new RandomSource(seed);
      const target = makeDevice(kind);
      const pool = makePool();
      const source = new ImageInMemory(IMAGE);
      const killedAt: number[] = [];
      let next = random.integer(0, 3) * CHUNK_BYTES;
      const transfer: Transfer = pool.backup(
        backupRequest(target, IMAGE, {
          management: managementOf(IMAGE, { form }),
          source,
          onChange: () => {
            if (transfer.phase !== 'moving' || transfer.doneBytes < next) return;
            if (killedAt.length === 4) return;
            killedAt.push(transfer.doneBytes);
            next = transfer.doneBytes + random.integer(1, 5) * CHUNK_BYTES;
            const all = pool.microprocessors().map(({ name }) => name);
            const another = all[random.integer(0, all.length - 1)] ?? '';
            const killed = random.chance(0.3) ? another : userOf(pool, transfer);
            void turns(random.integer(0, 20)).then(() => pool.kill(killed));
          },
        }),
      );
      expect(await transfer.done).toMatchObject({ outcome: 'done' });
      expect(bytesOn(target)).toBe(expected);
      expect(killedAt.length).toBeGreaterThan(0);
      expectNothingRepeated(source.asked, killedAt);
      await pool.close();
    }
  });
});

/** The thread is then in the middle of anything, also of a search. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await systemClock.yield();
}

/** What lay below the pointer when somebody ended is not sent again. */
function expectNothingRepeated(asked: readonly number[], killedAt: readonly number[]): void {
  const returns = asked.filter((offset, index) => offset < (asked[index - 1] ?? 0));
  expect(returns.length).toBeLessThanOrEqual(killedAt.length);
  for (const offset of returns) expect(offset).toBeGreaterThanOrEqual(killedAt[0] as number);
}

/** A clock whose timers of threads do not fire before they are let go. */
class HeldClock {
  private held: (() => void)[] = [];
  readonly clock: Clock = {
    ...systemClock,
    after: (_delayMs, action) => {
      this.held.push(action);
      // One that was let go is there no more.
      const cancel = () => {
        this.held = this.held.filter((each) => each !== action);
      };
      return { cancel };
    },
  };

  release(): void {
    for (const action of this.held.splice(0)) action();
  }
}

describe('a microprocessor that is terminated', () => {
  it('stops the transfer at that chunk, and holds up nobody', async () => {
    const held = new HeldClock();
    const lost: string[] = [];
    const pool = makePool({ clock: held.clock, onLost: (name) => lost.push(name) });
    const target = makeDevice('disk');
    const ports = portsOf(['CL1-C']);
    const { source, goOn } = heldImage(IMAGE, 6 * CHUNK_BYTES);
    const transfer = pool.backup(backupRequest(target, IMAGE, { ports, source }));
    await moving(transfer, 3 * CHUNK_BYTES);
    const user = userOf(pool, transfer);
    const other = user === 'CL1-M0' ? 'CL1-M1' : 'CL1-M0';
    pool.setDown(other, true);
    pool.kill(user);
    await until(() => lost.length > 0 && transfer.phase === 'waiting', hasEnded(transfer));
    const after = bytesOn(target);
    const { doneBytes } = transfer;
    // Meanwhile another backup goes its way from begin to end: the memory is not locked.
    const elsewhere = makeDevice('disk');
    const second = pool.backup(backupRequest(elsewhere, IMAGE, { ports: portsOf(['CL2-C']) }));
    expect(await second.done).toMatchObject({ outcome: 'done' });
    expect([transfer.phase, transfer.doneBytes, bytesOn(target)]).toEqual([
      ...['waiting', doneBytes, after],
    ]);
    expect(doneBytes).toBeLessThan(IMAGE.length);
    goOn();
    pool.setDown(other, false);
    expect(await transfer.done).toMatchObject({ outcome: 'done' });
    expect([transfer.microprocessor, bytesOn(target)]).toEqual([other, bytesOn(elsewhere)]);
  });

  it('is started again, and its name says so', async () => {
    const held = new HeldClock();
    const pool = makePool({ clock: held.clock });
    // Also when the transfer is done before it runs again.
    pool.standBy(true);
    const transfer = pool.backup(backupRequest(makeDevice('disk'), IMAGE));
    await moving(transfer);
    pool.kill('CL2-M1');
    const stateOf = () => pool.microprocessors().find(({ name }) => name === 'CL2-M1');
    expect(stateOf()).toMatchObject({ state: 'restarting', starts: 1 });
    await until(() => {
      held.release();
      return stateOf()?.state === 'running';
    });
    expect(stateOf()).toMatchObject({ starts: 2 });
    expect(await transfer.done).toMatchObject({ outcome: 'done' });
  });

  it('may be the last one: the transfer waits for the next', async () => {
    const pool = makePool();
    const target = makeDevice('tape');
    const { source, goOn } = heldImage(IMAGE, 8 * CHUNK_BYTES);
    const transfer = pool.backup(backupRequest(target, IMAGE, { source }));
    await moving(transfer, 4 * CHUNK_BYTES);
    for (const { name } of pool.microprocessors()) pool.kill(name);
    goOn();
    expect(await transfer.done).toMatchObject({ outcome: 'done' });
    expect(transfer.attempts).toBeGreaterThan(1);
    expect(bytesOn(target)).toBe(await undisturbed('tape', 'sparse', IMAGE));
  });

  it('does not end a restore: the sink gets the whole image', async () => {
    for (const kind of ['tape', 'disk'] as const) {
      const target = makeDevice(kind);
      const pool = makePool();
      await pool.backup(backupRequest(target, IMAGE)).done;
      const sink = new SinkInMemory();
      const killed: string[] = [];
      const transfer: Transfer = pool.restore(
        restoreRequest(target, sink, {
          onChange: () => {
            const isDue = transfer.doneBytes >= (killed.length + 1) * 3 * CHUNK_BYTES;
            if (!isDue || transfer.phase !== 'moving' || killed.length === 2) return;
            killed.push(userOf(pool, transfer));
            pool.kill(userOf(pool, transfer));
          },
        }),
      );
      expect(await transfer.done).toMatchObject({ outcome: 'done' });
      expect(hashOf(sink.content)).toBe(hashOf(IMAGE));
      expect(killed).toHaveLength(2);
    }
  });
});

describe('a transfer', () => {
  it('goes to the other controller when both microprocessors of its own are killed', async () => {
    // Those that were killed do not come back before.
    const pool = makePool({ clock: new HeldClock().clock });
    const { source, goOn } = heldImage(IMAGE, 4 * CHUNK_BYTES);
    const transfer = pool.backup(backupRequest(makeDevice('disk'), IMAGE, { source }));
    await moving(transfer, 2 * CHUNK_BYTES);
    expect(transfer.port).toBe('CL1-C');
    pool.kill('CL1-M0');
    pool.kill('CL1-M1');
    await until(() => transfer.port === 'CL2-C', hasEnded(transfer));
    goOn();
    expect(await transfer.done).toMatchObject({ outcome: 'done' });
  });

  it('leaves a microprocessor that is set down, which may come back', async () => {
    const pool = makePool();
    const target = makeDevice('tape');
    const ports = portsOf(['CL1-C']);
    const { source, goOn } = heldImage(IMAGE, 6 * CHUNK_BYTES);
    const transfer = pool.backup(backupRequest(target, IMAGE, { ports, source }));
    await moving(transfer, CHUNK_BYTES);
    const first = userOf(pool, transfer);
    pool.setDown(first, true);
    await until(() => transfer.microprocessor !== first, hasEnded(transfer));
    const second = userOf(pool, transfer);
    pool.setDown(first, false);
    pool.setDown(second, true);
    // The event loop is busy: the second one lets go before the table has the first one again.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    goOn();
    expect(await transfer.done).toMatchObject({ outcome: 'done' });
    expect(bytesOn(target)).toBe(await undisturbed('tape', 'sparse', IMAGE));
    const states = pool.microprocessors().map(({ name, state }) => [name, state]);
    expect(Object.fromEntries(states)).toMatchObject({ [first]: 'running', [second]: 'down' });
    expect(() => pool.setDown('CL3-M0', true)).toThrow('ENOENT');
  });

  it('leaves a port that is pulled, and fails with every port where none is left', async () => {
    const pool = makePool();
    const target = makeDevice('tape');
    let up: readonly PortId[] = ['CL1-C', 'CL2-C'];
    const ports = () => {
      const down = (['CL1-C', 'CL2-C'] as const).filter((port) => !up.includes(port));
      return { ports: up, refused: down.map((port) => ({ port, reason: 'port-down' as const })) };
    };
    const pull = (left: readonly PortId[]) => {
      up = left;
      pool.portsChanged();
    };
    const { source } = heldImage(IMAGE, 6 * CHUNK_BYTES);
    const transfer = pool.backup(backupRequest(target, IMAGE, { ports, source }));
    await moving(transfer, CHUNK_BYTES);
    pull(['CL2-C']);
    await until(() => transfer.port === 'CL2-C', hasEnded(transfer));
    pull([]);
    const end = await transfer.done;
    if (end.outcome !== 'failed') throw new Error(`it is ${end.outcome}`);
    expect(end.error.message).toBe('ENXIO: device0 is not available: ports CL1-C, CL2-C are down');
    expect(transfer.durable).toMatchObject({ structure: 'stream', medium: target.medium });
  });

  it('is handed over to the port that is first then', async () => {
    const pool = makePool();
    const target = makeDevice('disk');
    let order: readonly PortId[] = ['CL1-C', 'CL2-D'];
    const ports = () => ({ ports: order, refused: [] });
    const { source, goOn } = heldImage(IMAGE, 6 * CHUNK_BYTES);
    const transfer = pool.backup(backupRequest(target, IMAGE, { ports, source }));
    await moving(transfer, CHUNK_BYTES);
    order = ['CL2-D', 'CL1-C'];
    transfer.handOver();
    await until(() => transfer.port === 'CL2-D', hasEnded(transfer));
    goOn();
    expect(await transfer.done).toMatchObject({ outcome: 'done' });
    expect(bytesOn(target)).toBe(await undisturbed('disk', 'plain', IMAGE));
  });

  it('ends between two chunks when it is cancelled, also where its source never answers', async () => {
    const pool = makePool();
    const target = makeDevice('disk');
    const { source } = heldImage(IMAGE, 2 * CHUNK_BYTES);
    const transfer = pool.backup(backupRequest(target, IMAGE, { source }));
    await moving(transfer, 2 * CHUNK_BYTES);
    transfer.cancel();
    expect(await transfer.done).toEqual({ outcome: 'cancelled' });
    expect(transfer.doneBytes).toBe(2 * CHUNK_BYTES);
    transfer.cancel();
  });
});
