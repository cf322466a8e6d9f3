/** Single operations at tapes and disks, in sessions that go on when a microprocessor ends. */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { DeviceSession, SessionRequest } from '../../src/array/backup-path.js';
import type { MicroprocessorPool } from '../../src/array/microprocessor-pool.js';
import type { PortId } from '../../src/san/port-id.js';
import { hashOf } from '../device/backup-source.js';
import { type DeviceCase, makeDevice } from '../device/device-cases.js';
import { addressOf, makePool, portsOf, randomImage, until } from '../support/backup-pool.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { cleanScratch } from '../support/scratch-directory.js';

afterAll(cleanScratch);

/** Operations carry more than the chunks of the other tests. */
const SHAPE = { slots: 4 };
const RECORD = 65_536;

function open(
  pool: MicroprocessorPool,
  { definition, medium }: DeviceCase,
  changed: Partial<SessionRequest> = {},
): DeviceSession {
  return pool.openSession({
    ...{ device: addressOf(definition), ports: portsOf(), number: 1, medium, mode: 'write' },
    ...changed,
  });
}

/** Records of a tape are those of the content, cut. */
async function readAll(session: DeviceSession): Promise<{ lengths: number[]; content: Buffer }> {
  const pieces: Uint8Array[] = [];
  const lengths: number[] = [];
  for (;;) {
    const operation = { kind: 'read-records', count: 3, recordBytes: RECORD } as const;
    const { reply, data } = await session.run(operation);
    if (reply.kind !== 'data') throw new Error(`the reply is ${reply.kind}`);
    pieces.push(data);
    lengths.push(...reply.records);
    if (reply.stop !== undefined) return { lengths, content: Buffer.concat(pieces) };
  }
}

describe('a session at a tape', () => {
  it('writes records and marks, moves, and reads them back', async () => {
    const session = open(makePool({ shape: SHAPE }), makeDevice('tape'));
    const content = randomImage(4, 5 * 30_000, 0);
    expect((await session.run({ kind: 'test-ready' })).reply).toEqual({ kind: 'done' });
    await session.run({ kind: 'rewind' });
    await session.run({ kind: 'write-records', recordBytes: 30_000 }, content);
    await session.run({ kind: 'write-marks', count: 2 });
    await session.run({ kind: 'sync' });
    expect((await session.run({ kind: 'space-marks', count: -2 })).reply).toEqual({
      ...{ kind: 'moved', remaining: 0 },
    });
    expect((await session.run({ kind: 'locate', block: 2 })).reply).toMatchObject({ remaining: 0 });
    expect((await session.run({ kind: 'space-records', count: 9 })).reply).toEqual({
      ...{ kind: 'moved', remaining: 6, stoppedBy: 'mark' },
    });
    await session.run({ kind: 'rewind' });
    const { lengths, content: read } = await readAll(session);
    expect(lengths).toEqual([30_000, 30_000, 30_000, 30_000, 30_000]);
    expect(hashOf(read)).toBe(hashOf(content));
    const { reply } = await session.run({ kind: 'inquire' });
    expect(reply).toMatchObject({ inquiry: { device: 'tape', medium: 'AFS001', sizeBytes: 0 } });
    await session.run({ kind: 'to-end-of-data' });
    await session.close();
    await expect(session.run({ kind: 'rewind' })).rejects.toThrow('EINTR');
  });

  it('refuses what the tape refuses, and stands where it stood', async () => {
    const session = open(makePool({ shape: SHAPE }), makeDevice('tape'));
    await session.run({ kind: 'write-records', recordBytes: 900 }, Buffer.alloc(900, 1));
    await session.run({ kind: 'rewind' });
    const short = { kind: 'read-records', count: 1, recordBytes: 512 } as const;
    const refusal = { code: 'EINVAL', details: { fault: 'invalid', sense: { key: 5 } } };
    await expect(session.run(short)).rejects.toMatchObject(refusal);
    expect((await session.run({ ...short, recordBytes: 900 })).data).toHaveLength(900);
    const block = { kind: 'write-blocks', position: 0 } as const;
    await expect(session.run(block, Buffer.alloc(512))).rejects.toThrow('a tape cannot');
    const full = { kind: 'write-records', recordBytes: RECORD } as const;
    await expect(fill(session, full)).rejects.toMatchObject({ details: { fault: 'full' } });
    await session.close();
  });

  it('waits for its turn before it moves data, and before nothing else', async () => {
    const asked: string[] = [];
    let go = () => {};
    const pace = (bytes: number, port: string | undefined) => {
      asked.push(`${bytes} ${port}`);
      return new Promise<void>((resolve) => {
        go = resolve;
      });
    };
    const session = open(makePool({ shape: SHAPE }), makeDevice('tape'), { pace });
    await session.run({ kind: 'write-marks', count: 1 });
    let isWritten = false;
    const write = { kind: 'write-records', recordBytes: 512 } as const;
    const written = session.run(write, Buffer.alloc(2_048, 1)).then(() => {
      isWritten = true;
    });
    const behind = session.run({ kind: 'rewind' });
    const hasEnded = () => session.phase === 'ended';
    await until(() => asked.length === 1, hasEnded);
    expect(isWritten).toBe(false);
    go();
    await written;
    await behind;
    const read = session.run({ kind: 'read-records', count: 3, recordBytes: 512 });
    await until(() => asked.length === 2, hasEnded);
    go();
    expect((await read).reply).toMatchObject({ stop: 'mark' });
    expect(asked).toEqual(['2048 CL1-C', '1536 CL1-C']);
    await session.close();
  });

  it('is handed over to another port between two operations, and goes on where it was', async () => {
    let order: readonly PortId[] = ['CL1-C', 'CL2-C'];
    const ports = () => ({ ports: order, refused: [] });
    const session = open(makePool({ shape: SHAPE }), makeDevice('tape'), { ports });
    const write = { kind: 'write-records', recordBytes: 512 } as const;
    await session.run(write, Buffer.alloc(512, 1));
    expect([session.port, session.attempts]).toEqual(['CL1-C', 1]);
    order = ['CL2-C', 'CL1-C'];
    session.handOver();
    await until(
      () => session.attempts > 1 && session.phase === 'moving',
      () => session.phase === 'ended',
    );
    expect(session.port).toBe('CL2-C');
    await session.run(write, Buffer.alloc(512, 2));
    await session.run({ kind: 'rewind' });
    const { content } = await readAll(session);
    expect([content.length, content[0], content[512], session.attempts]).toEqual([1_024, 1, 2, 2]);
    await session.close();
  });

  it('has the medium for itself until it is closed', async () => {
    const pool = makePool({ shape: SHAPE });
    const target = makeDevice('tape');
    const first = open(pool, target);
    await first.run({ kind: 'rewind' });
    const second = open(pool, target);
    await expect(second.run({ kind: 'rewind' })).rejects.toThrow('EBUSY');
    await expect(second.run({ kind: 'rewind' })).rejects.toThrow('EBUSY');
    await second.close();
    await first.close();
    const third = open(pool, target);
    expect((await third.run({ kind: 'rewind' })).reply).toEqual({ kind: 'done' });
    await third.close();
  });

  it('doubles and loses no record when microprocessors are killed at any operation', async () => {
    for (let seed = 1; seed <= repeat(3); seed += 1) {
      const random = new RandomSource(seed);
      const pool = makePool({ shape: SHAPE });
      const target = makeDevice('tape');
      const session = open(pool, target);
      const records = Array.from({ length: 24 }, () =>
        Buffer.alloc(random.integer(1, 30_000), random.bytes(7)),
      );
      const killAt = new Set(Array.from({ length: 3 }, () => random.integer(0, 23)));
      for (const [index, record] of records.entries()) {
        const answer = session.run({ kind: 'write-records', recordBytes: RECORD }, record);
        if (killAt.has(index) && session.microprocessor !== undefined) {
          pool.kill(session.microprocessor);
        }
        await answer;
      }
      await session.run({ kind: 'write-marks', count: 1 });
      await session.run({ kind: 'rewind' });
      const { lengths, content } = await readAll(session);
      expect(lengths).toEqual(records.map(({ length }) => length));
      expect(hashOf(content)).toBe(hashOf(Buffer.concat(records)));
      await session.close();
      await pool.close();
    }
  });
});

describe('a session at a disk', () => {
  it('reads and writes blocks anywhere, also when its microprocessor is killed', async () => {
    const pool = makePool({ shape: SHAPE });
    const target = makeDevice('disk');
    const session = open(pool, target);
    const image = randomImage(5, 512 * 1024, 0);
    await session.run({ kind: 'begin-image', imageBytes: image.length });
    for (const at of [262_144, 0]) {
      const data = image.subarray(at, at + 262_144);
      const answer = session.run({ kind: 'write-blocks', position: at }, data);
      if (at === 0 && session.microprocessor !== undefined) pool.kill(session.microprocessor);
      await answer;
    }
    const { data } = await session.run({ kind: 'read-blocks', position: 512, bytes: 4_096 });
    expect(hashOf(data)).toBe(hashOf(image.subarray(512, 4_608)));
    await expect(session.run({ kind: 'rewind' })).rejects.toThrow('a disk cannot rewind');
    const { reply } = await session.run({ kind: 'inquire' });
    expect(reply).toMatchObject({ inquiry: { device: 'disk', sizeBytes: image.length } });
    await session.close();
    expect(hashOf(readFileSync(target.path))).toBe(hashOf(image));
  });
});

async function fill(
  session: DeviceSession,
  operation: { kind: 'write-records'; recordBytes: number },
): Promise<void> {
  for (;;) await session.run(operation, Buffer.alloc(3 * RECORD, 7));
}
