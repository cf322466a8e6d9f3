/** Faults that a user sets happen in the threads of microprocessors, and are counted. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { Transfer, TransferEnd } from '../../src/array/backup-path.js';
import type { MicroprocessorPool } from '../../src/array/microprocessor-pool.js';
import { FaultList, type FaultSetting, parseFaultTarget } from '../../src/san/faults.js';
import { hashOf } from '../device/backup-source.js';
import { type DeviceCase, makeDevice, makeLibrary } from '../device/device-cases.js';
import {
  addressOf,
  backupRequest,
  CHUNK_BYTES,
  ImageInMemory,
  makePool,
  portsOf,
  randomImage,
  until,
} from '../support/backup-pool.js';
import { cleanScratch } from '../support/scratch-directory.js';

afterAll(cleanScratch);

const IMAGE = randomImage(9, 8 * CHUNK_BYTES, 0);
let faults: FaultList;
let pool: MicroprocessorPool;
let target: DeviceCase;
let lost: string[];

beforeEach(() => {
  faults = new FaultList();
  lost = [];
  pool = makePool({ faults, silentMs: 2_000, onLost: (_name, reason) => lost.push(reason) });
  target = makeDevice('disk');
});

function set(place: string, kind: FaultSetting['kind'], more: Partial<FaultSetting> = {}): void {
  faults.add({ target: parseFaultTarget(place), kind, ...more });
  pool.portsChanged();
}

function back(
  transfer: Transfer = pool.backup(backupRequest(target, IMAGE)),
): Promise<TransferEnd> {
  return transfer.done;
}

/** A library that holds up whoever opens it. */
function stuckLibrary() {
  const path = makeLibrary();
  const pipe = join(path, 'library.json');
  rmSync(pipe);
  execFileSync('mkfifo', [pipe]);
  const stuck = { definition: { kind: 'tape', path } as const, medium: 'AFS001' };
  // Whoever still waits reads nothing, and ends.
  return { stuck, letGo: () => closeSync(openSync(pipe, 'r+')) };
}

async function failure(): Promise<string> {
  const end = await back();
  if (end.outcome !== 'failed') throw new Error(`it is ${end.outcome}`);
  return end.error.message;
}

function expectImage(): void {
  expect(hashOf(readFileSync(target.path))).toBe(hashOf(IMAGE));
}

describe('a fault', () => {
  it('of a device is its answer, with the sense that was set, in the range that was set', async () => {
    const range = { start: 2 * CHUNK_BYTES, end: 2 * CHUNK_BYTES + 512 };
    set('device:device0', 'sense', { sense: { key: 4, asc: 0x44, ascq: 0 }, count: 1, range });
    const transfer = pool.backup(backupRequest(target, IMAGE));
    expect(await transfer.done).toMatchObject({
      outcome: 'failed',
      error: { details: { sense: { status: 2, key: 4, asc: 0x44, ascq: 0 } } },
    });
    expect(transfer.doneBytes).toBe(2 * CHUNK_BYTES);
    expect(await back()).toMatchObject({ outcome: 'done' });
    expectImage();
  });

  it('of a device ends a backup whose next piece waits for its turn, and nothing is read for it', async () => {
    set('device:device0', 'damaged', { range: { start: CHUNK_BYTES, end: 2 * CHUNK_BYTES } });
    const source = new ImageInMemory(IMAGE);
    const pace = () => (source.asked.length < 2 ? undefined : new Promise<void>(() => {}));
    expect(await back(pool.backup(backupRequest(target, IMAGE, { source, pace })))).toMatchObject({
      outcome: 'failed',
    });
    expect(source.asked).toEqual([0, CHUNK_BYTES]);
  });

  it('of a device that is down, or has an error, is told of every port', async () => {
    set('device:device0', 'down');
    expect(await failure()).toContain(
      'ENXIO: device0 is not available: ports CL1-C, CL2-C: device device0 has the fault down',
    );
    faults.clearAll();
    set('device:device0', 'EIO', { count: 2 });
    expect(await failure()).toContain(
      'EIO: device0 is not available: ports CL1-C, CL2-C: device device0 has',
    );
    expect(await back()).toMatchObject({ outcome: 'done' });
  });

  it('of a port sends the backup through another, and is counted', async () => {
    const range = { start: CHUNK_BYTES, end: IMAGE.length };
    set('port:CL1-C', 'EIO', { range });
    const transfer = pool.backup(backupRequest(target, IMAGE));
    expect(await back(transfer)).toMatchObject({ outcome: 'done' });
    expect([transfer.port, transfer.attempts]).toEqual(['CL2-C', 2]);
    expectImage();
    pool.portsChanged();
    expect(faults.list[0]?.hits).toBe(1);
  });

  it('that delays holds up a chunk for as long, and the thread is not taken for dead', async () => {
    const range = { start: 0, end: 512 };
    set('device:device0', 'delay', { delayMs: 2_500, count: 1, range });
    const before = performance.now();
    expect(await back()).toMatchObject({ outcome: 'done' });
    expect(performance.now() - before).toBeGreaterThanOrEqual(2_500);
    expect(lost).toEqual([]);
    expectImage();
  });

  it('that hangs ends the thread when it gives no sign of life, and another goes on', async () => {
    const range = { start: 3 * CHUNK_BYTES, end: IMAGE.length };
    set('device:device0', 'hang', { count: 1, range });
    expect(await back()).toMatchObject({ outcome: 'done' });
    expect(lost).toEqual(['it has given no sign of life for 2000 ms']);
    expectImage();
  });

  it('that hangs in a search ends it with its lease: another port is found', async () => {
    set('port:CL1-C', 'hang', { count: 1 });
    const transfer = pool.backup(backupRequest(target, IMAGE));
    expect(await back(transfer)).toMatchObject({ outcome: 'done' });
    expect(transfer.port).toBe('CL2-C');
    expectImage();
  });

  it('kills a microprocessor, or all of a controller, at a chunk', async () => {
    const range = { start: 2 * CHUNK_BYTES, end: IMAGE.length };
    set('controller:CL1', 'killed', { range, count: 2 });
    const transfer = pool.backup(backupRequest(target, IMAGE));
    expect(await back(transfer)).toMatchObject({ outcome: 'done' });
    expect(lost).toEqual([
      ...['controller CL1 has the fault killed', 'controller CL1 has the fault killed'],
    ]);
    expectImage();
  });

  it('that kills whoever comes ends the backup, not the array', async () => {
    const range = { start: 2 * CHUNK_BYTES, end: IMAGE.length };
    for (const name of ['CL1', 'CL2']) set(`controller:${name}`, 'killed', { range });
    expect(await failure()).toBe('EIO: 5 microprocessors have ended at the same place of it');
    faults.clearAll();
    pool.portsChanged();
    expect(await back()).toMatchObject({ outcome: 'done' });
  });

  it('sets microprocessors down for as long as it is set', async () => {
    for (const name of ['CL1-M0', 'CL1-M1']) set(`microprocessor:${name}`, 'down');
    await pool.backup(backupRequest(makeDevice('disk'), IMAGE)).done;
    const stateOf = (name: string) =>
      pool.microprocessors().find((microprocessor) => microprocessor.name === name)?.state;
    expect([stateOf('CL1-M0'), stateOf('CL2-M0')]).toEqual(['down', 'running']);
    const only = { ports: portsOf(['CL1-C']) };
    const end = await pool.backup(backupRequest(target, IMAGE, only)).done;
    expect(end).toMatchObject({ error: { code: 'ENXIO' } });
    faults.clearAll();
    pool.portsChanged();
    expect(stateOf('CL1-M0')).toBe('running');
    expect(await pool.backup(backupRequest(target, IMAGE, only)).done).toMatchObject({
      outcome: 'done',
    });
  });

  it('that no user has set, a device that answers nothing at all, holds up nobody for ever', async () => {
    const { stuck, letGo } = stuckLibrary();
    const end = await pool.backup(backupRequest(stuck, IMAGE)).done;
    if (end.outcome !== 'failed') throw new Error(`it is ${end.outcome}`);
    expect(end.error.message).toBe(
      'EIO: device0 is not available: ports CL1-C, CL2-C got no answer in time',
    );
    expect(await back()).toMatchObject({ outcome: 'done' });
    await pool.close();
    letGo();
  });

  it('of that kind leaves no request to threads that it holds up', async () => {
    const held = [stuckLibrary(), stuckLibrary()];
    const only = { ports: portsOf(['CL1-C']) };
    const stuck = held.map((each) => pool.backup(backupRequest(each.stuck, IMAGE, only)));
    await until(() => stuck.every(({ attempts }) => attempts > 0));
    // Both microprocessors of CL1-C are to search it first, and never come to it.
    const transfer = pool.backup(backupRequest(target, IMAGE));
    expect(await back(transfer)).toMatchObject({ outcome: 'done' });
    expect(transfer.port).toBe('CL2-C');
    expectImage();
    for (const { done } of stuck) expect(await done).toMatchObject({ outcome: 'failed' });
    for (const { letGo } of held) letGo();
  });

  it('meets operations of sessions, which go on', async () => {
    const session = pool.openSession({
      ...{ device: addressOf(target.definition), ports: portsOf(), number: 1 },
      ...{ medium: target.medium, mode: 'write' },
    });
    await session.run({ kind: 'begin-image', imageBytes: 4_096 });
    set('device:device0', 'damaged', { count: 1 });
    const read = { kind: 'read-blocks', position: 0, bytes: 512 } as const;
    await expect(session.run(read)).rejects.toMatchObject({ details: { fault: 'damaged' } });
    expect((await session.run(read)).data).toHaveLength(512);
    set('port:CL1-C', 'EIO');
    expect((await session.run(read)).data).toHaveLength(512);
    expect(session.port).toBe('CL2-C');
    await session.close();
  });
});
