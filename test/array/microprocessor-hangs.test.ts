/** A device that holds a microprocessor up in the middle of a search, with the medium reserved: others go on with the request. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { MicroprocessorPool } from '../../src/array/microprocessor-pool.js';
import { CONTROL_LEASE_MS } from '../../src/san/exclusive-control.js';
import { FaultList, parseFaultTarget } from '../../src/san/faults.js';
import { hashOf } from '../device/backup-source.js';
import { makeLibrary } from '../device/device-cases.js';
import {
  backupRequest,
  CHUNK_BYTES,
  makePool,
  randomImage,
  restoreRequest,
  SinkInMemory,
  until,
} from '../support/backup-pool.js';
import { cleanScratch } from '../support/scratch-directory.js';

afterAll(cleanScratch);

const IMAGE = randomImage(5, 4 * CHUNK_BYTES, 0);
let pool: MicroprocessorPool;
let path: string;

beforeEach(() => {
  pool = makePool();
  // What is stuck has the one drive.
  path = makeLibrary({ drives: 1 });
});

const locks = (name: string) =>
  readdirSync(path).filter((file) => file.startsWith(`.${name}.lock`));

/** Whether a thread of this process is held up by a pipe that nobody writes to. */
function isOpeningPipe(): boolean {
  return readdirSync('/proc/self/task').some((thread) => {
    try {
      return readFileSync(`/proc/self/task/${thread}/wchan`, 'utf8') === 'wait_for_partner';
    } catch {
      return false;
    }
  });
}

describe('a device that hangs in every search', () => {
  const hang = () => {
    const faults = new FaultList();
    const hanging = makePool({ faults });
    faults.add({ target: parseFaultTarget('device:device0'), kind: 'hang' });
    hanging.portsChanged();
    const clear = () => {
      faults.clearAll();
      hanging.portsChanged();
    };
    return { hanging, clear };
  };
  /** As long as both ports are given up in; a device that answers earlier is found by the last search. */
  const allLeases = () => new Promise((resolve) => setTimeout(resolve, 2.5 * CONTROL_LEASE_MS));

  it('is found when it answers again: the errand has waited for that', async () => {
    const { hanging, clear } = hang();
    const target = { definition: { kind: 'tape', path } as const, medium: 'AFS001' };
    const transfer = hanging.backup(backupRequest(target, IMAGE));
    await allLeases();
    expect(transfer.phase).not.toBe('ended');
    clear();
    expect(await transfer.done).toMatchObject({ outcome: 'done' });
  });

  it('does not hold up a cancel', async () => {
    const { hanging, clear } = hang();
    const target = { definition: { kind: 'tape', path } as const, medium: 'AFS001' };
    const transfer = hanging.backup(backupRequest(target, IMAGE));
    await allLeases();
    transfer.cancel();
    expect(await transfer.done).toEqual({ outcome: 'cancelled' });
    clear();
  });
});

describe('a cartridge that does not answer when it is loaded, with the drive taken', () => {
  it('is loaded by another microprocessor when it answers, and the first takes nothing from it', async () => {
    const target = { definition: { kind: 'tape', path } as const, medium: 'AFS001' };
    await pool.backup(backupRequest(target, IMAGE)).done;
    const [cartridge, pipe] = [join(path, 'AFS001.tap'), join(path, 'pipe')];
    renameSync(cartridge, `${cartridge}.away`);
    execFileSync('mkfifo', ['-m', '600', cartridge]);

    const sink = new SinkInMemory();
    const transfer = pool.restore(restoreRequest(target, sink));
    await until(() => isOpeningPipe() || transfer.phase === 'ended');
    expect(locks('AFS001.tap')).toHaveLength(1);
    renameSync(cartridge, pipe);
    renameSync(`${cartridge}.away`, cartridge);
    expect(await transfer.done).toMatchObject({ outcome: 'done' });
    expect(transfer.attempts).toBe(2);
    expect(hashOf(sink.content)).toBe(hashOf(IMAGE));

    // A later job does not meet what is stuck either.
    expect(await pool.backup(backupRequest(target, IMAGE)).done).toMatchObject({ outcome: 'done' });
    closeSync(openSync(pipe, 'r+'));
    await pool.close();
    expect([...locks('AFS001.tap'), ...locks('drive-1')]).toEqual([]);
  });
});
