/**
 * Requests as no kernel sends them, seeded: cut short, of random bytes, with ids nobody gave. Each one with a
 * whole header is answered once with a sound frame, and the tree goes on working.
 */
import { describe, expect, it } from 'vitest';
import { bodyBytesMin, isSilent, OPCODES } from '../../src/fuse/fuse-format.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { bytesOf, requestBytes } from './fuse-messages.js';
import { harnessWithFile } from './kernel-harness.js';

const CODES = Object.values(OPCODES).map((row) => row.code);
const NAMES = ['file', 'x', 'dir', '.dot', '', 'a'.repeat(300), '\xff\xfe'];
/** So that sizes and offsets stay in what the tree in memory can hold. */
const SMALL = [0, 1, 2, 3, 9, 512, 4096, 65_536];

function randomNumber(random: RandomSource): number | bigint {
  if (random.chance(0.7)) return random.pick(SMALL);
  return random.pick([2 ** 31, 2 ** 32 - 1, 2 ** 40, 2 ** 53, 2n ** 63n, 2n ** 64n - 1n]);
}

function randomBody(random: RandomSource, opcode: number): Buffer {
  const size = bodyBytesMin(opcode) + random.pick([0, 0, 0, -1, 1, 8, -8, 40, 4096]);
  if (random.chance(0.2)) return Buffer.from(random.bytes(Math.max(0, size)));
  const words = Math.ceil(Math.max(0, size) / 8);
  const fixed = bytesOf(
    ...Array.from({ length: words }, () => [8, randomNumber(random)] as const),
  ).subarray(0, Math.max(0, size));
  if (random.chance(0.5)) return fixed;
  // The fixed part of most opcodes ends on 8 bytes; what follows are names.
  const names = Array.from({ length: random.integer(0, 3) }, () => random.pick(NAMES));
  const fixedBytes = Object.values(OPCODES).find((row) => row.code === opcode)?.fixedBytes ?? 0;
  return Buffer.concat([
    fixed.subarray(0, fixedBytes),
    ...names.map((name) => Buffer.from(`${name}\0`, 'latin1')),
  ]);
}

function randomRequest(random: RandomSource, unique: bigint): Buffer {
  const opcode = random.chance(0.95) ? random.pick(CODES) : random.integer(0, 2 ** 31);
  const nodeId = random.pick([1, 1, 1, 2, 3, 4, 99, 2 ** 52]);
  const whole = requestBytes(opcode, randomBody(random, opcode), { unique, nodeId });
  if (random.chance(0.9)) return whole;
  return whole.subarray(0, random.integer(0, whole.length));
}

describe('a hostile kernel', () => {
  it.each([1, 2, 3, 4])('is answered, and nothing breaks (seed %i)', async (seed) => {
    const random = new RandomSource(seed);
    const kernel = harnessWithFile();
    for (let count = 0; count < repeat(1250); count += 1) {
      kernel.tree.slow = random.chance(0.5);
      const unique = kernel.nextUnique();
      const bytes = randomRequest(random, unique);
      await kernel.send(bytes);
      const isAnswered = bytes.length >= 40 && !isSilent(bytes.readUInt32LE(4));
      const answer = kernel.takeAnswer(unique);
      expect([count, answer !== undefined, kernel.answerCount]).toEqual([count, isAnswered, 0]);
    }
    expect(kernel.bugs.filter((bug) => !/^Error: the kernel sent/.test(String(bug)))).toEqual([]);
    kernel.tree.slow = false;
    kernel.tree.root.children.clear();
    kernel.tree.add(kernel.tree.root, 'after', false, 0o600).write(0, Buffer.from('alive'));
    const handle = await kernel.open(await kernel.lookup('after'));
    expect(`${(await kernel.read(handle, 0, 10)).body}`).toBe('alive');
  });
});
