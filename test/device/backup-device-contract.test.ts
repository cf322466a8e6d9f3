/** The contract of backup devices, for each kind of them. */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { BlockSession, DeviceSession, StreamSession } from '../../src/device/backup-device.js';
import { DEVICE_FAULTS, DeviceError, type DeviceFault } from '../../src/device/device-error.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { DEVICE_KINDS, makeDevice, protect, removeDevice } from './device-cases.js';
import { faultOf, reasonOf } from './fault-of.js';

afterAll(cleanScratch);

const sessionsOf = (device: { login(initiator: string): unknown }, ...initiators: string[]) =>
  initiators.map((initiator) => device.login(initiator) as DeviceSession);

/** Writes 512 bytes of 7 and reads them, by what the medium offers. */
function exercise(session: DeviceSession, mode: 'write' | 'read' = 'write'): Uint8Array {
  const data = new Uint8Array(512).fill(7);
  if (session.device.structure === 'stream') {
    const tape = (session as StreamSession).loaded;
    tape.rewind();
    if (mode === 'write') tape.writeRecord(data);
    tape.sync();
    tape.rewind();
    const reading = tape.read();
    return reading.kind === 'record' ? reading.data : new Uint8Array();
  }
  const image = (session as BlockSession).loaded;
  if (mode === 'write') {
    image.beginImage(1024);
    image.write(512, data);
  }
  image.sync();
  return image.read(512, 512);
}

const SEVENS = Buffer.alloc(512, 7);

describe.each(DEVICE_KINDS)('%s', (kind) => {
  it('keeps what was written from one session to the next', () => {
    const { device, medium } = makeDevice(kind);
    const [first, second] = sessionsOf(device, 'CL1-C', 'CL2-C') as [DeviceSession, DeviceSession];
    first.reserve(medium);
    first.load('write');
    expect(Buffer.from(exercise(first))).toEqual(SEVENS);
    first.logout();
    second.reserve(medium);
    second.load('read');
    expect(Buffer.from(exercise(second, 'read'))).toEqual(SEVENS);
    second.logout();
  });

  it('is missing when it has gone', () => {
    const made = makeDevice(kind);
    removeDevice(made);
    expect(faultOf(() => made.device.login('CL1-C'))).toBe('missing');
    expect(faultOf(() => made.device.media())).toBe('missing');
  });

  it('lets in the initiators it lists', () => {
    const { device } = makeDevice(kind, ['CL1-C']);
    expect(device.login('CL1-C').initiator).toBe('CL1-C');
    expect(faultOf(() => device.login('CL2-C'))).toBe('refused');
  });

  it('shows its media, and who has one reserved', () => {
    const { device, medium } = makeDevice(kind);
    const shown = () => device.media().find((found) => found.name === medium);
    expect(shown()).toMatchObject({ name: medium, isProtected: false });
    expect(shown()).not.toHaveProperty('holder');
    const session = device.login('CL1-C');
    session.reserve(medium);
    expect(shown()).toMatchObject({ holder: `CL1-C (process ${process.pid})` });
    session.logout();
    expect(shown()).not.toHaveProperty('holder');
  });

  it('is reserved by one session at a time, also of one initiator', () => {
    const { device, medium } = makeDevice(kind);
    const [first, second] = sessionsOf(device, 'CL1-C', 'CL1-C') as [DeviceSession, DeviceSession];
    first.reserve(medium);
    expect(faultOf(() => second.reserve(medium))).toBe('busy');
    expect(reasonOf(() => second.reserve(medium))).toMatch(/is reserved by CL1-C \(process \d+\)/);
    expect(second.reserved).toBeUndefined();
    first.release();
    second.reserve(medium);
    expect(second.reserved).toBe(medium);
    expect(faultOf(() => first.reserve(medium))).toBe('busy');
    second.logout();
    first.reserve(medium);
    first.logout();
  });

  it('is taken away from an attempt that is over, and by no other', () => {
    const { device, medium } = makeDevice(kind);
    const over = new Set<string>();
    const attempt = (id: string) => ({ id, isOver: (other: string) => over.has(other) });
    const [stuck, next, stranger] = [
      device.login('CL1-C', attempt('1-0-1')),
      device.login('CL1-D', attempt('1-0-2')),
      device.login('CL1-D'),
    ];
    stuck.reserve(medium);
    expect(faultOf(() => next.reserve(medium))).toBe('busy');
    over.add('1-0-1');
    expect(faultOf(() => stranger.reserve(medium))).toBe('busy');
    next.reserve(medium);
    next.load('write');
    // It wakes up: what it gives back is its own, and it gets nothing more.
    stuck.logout();
    expect(faultOf(() => stranger.reserve(medium))).toBe('busy');
    next.logout();
    stranger.reserve(medium);
    stranger.logout();
  });

  it('gives a medium back and takes it again as one session', () => {
    const { device, medium } = makeDevice(kind);
    const session = device.login('CL1-C');
    session.reserve(medium);
    session.load('write');
    session.reserve(medium);
    expect(faultOf(() => session.loaded)).toBe('unloaded');
    session.release();
    session.release();
    session.reserve(medium);
    session.logout();
    session.logout();
    expect(() => session.reserve(medium)).toThrow('assertion failed');
  });

  it('has a medium only while it is loaded', () => {
    const { device, medium } = makeDevice(kind);
    const session = device.login('CL1-C');
    expect(() => session.load('read')).toThrow('assertion failed');
    expect(() => session.capacity()).toThrow('assertion failed');
    session.reserve(medium);
    expect(faultOf(() => session.loaded)).toBe('unloaded');
    const loaded = session.load('write');
    expect(session.loaded).toBe(loaded);
    session.unload();
    expect(faultOf(() => session.loaded)).toBe('unloaded');
    expect(faultOf(() => loaded.sync())).toBe('unloaded');
    session.load('read');
    expect(faultOf(() => loaded.sync())).toBe('unloaded');
    session.logout();
    expect(faultOf(() => session.loaded)).toBe('unloaded');
  });

  it('is write-protected by the mode of its file, and can be read then', () => {
    const { device, medium, path } = makeDevice(kind);
    protect(path);
    const session = device.login('CL1-C');
    session.reserve(medium);
    expect(device.media()[0]).toMatchObject({ isProtected: true });
    expect(faultOf(() => session.load('write'))).toBe('write-protected');
    expect(faultOf(() => session.loaded)).toBe('unloaded');
    session.load('read');
    session.logout();
  });

  it('does not write to what is loaded for reading', () => {
    const { device, medium, path } = makeDevice(kind);
    const before = readFileSync(path);
    const session = device.login('CL1-C') as DeviceSession;
    session.reserve(medium);
    session.load('read');
    expect(faultOf(() => exercise(session))).toBe('write-protected');
    session.logout();
    expect(readFileSync(path)).toEqual(before);
  });

  it('has no medium of another name', () => {
    const { device } = makeDevice(kind);
    const session = device.login('CL1-C');
    const read = () => {
      session.reserve('OTHER');
      session.load('read');
    };
    expect(faultOf(read)).toBe('no-medium');
    expect(faultOf(() => session.reserve('../../etc'))).toMatch(/^(no-medium|invalid)$/);
    session.logout();
  });

  it('says how much it holds and how much there is room for', () => {
    const { device, medium } = makeDevice(kind);
    const session = device.login('CL1-C');
    session.reserve(medium);
    const { capacityBytes, remainingBytes } = session.capacity();
    expect(capacityBytes).toBeGreaterThan(0);
    expect(remainingBytes).toBeGreaterThan(0);
    expect(remainingBytes).toBeLessThanOrEqual(capacityBytes);
    session.logout();
  });
});

describe('faults', () => {
  it('are told apart by whoever gets the sense data', () => {
    const rows = Object.values(DEVICE_FAULTS);
    const bytes = rows.map(({ status, key, asc, ascq }) => [status, key, asc, ascq].join());
    expect(new Set(bytes).size).toBe(rows.length);
  });

  it.each<[DeviceFault, string]>([
    ['busy', 'EBUSY'],
    ['full', 'ENOSPC'],
    ['unloaded', 'ENODEV'],
    ['write-protected', 'EROFS'],
    ['missing', 'ENXIO'],
    ['refused', 'EACCES'],
    ['damaged', 'EIO'],
  ])('%s is %s to whoever asks through a file', (fault, code) => {
    expect(new DeviceError(fault, 'why')).toMatchObject({ code, reason: 'why', fault });
  });
});
