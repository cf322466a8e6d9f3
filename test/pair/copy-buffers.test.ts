/** Buffers of copies: used again, never by two at a time, and only a few are kept. */
import { describe, expect, it } from 'vitest';
import { PAIR_BUFFERS_MAX } from '../../src/base/limits.js';
import { TRACK_BYTES } from '../../src/base/sizes.js';
import { CopyBuffers } from '../../src/pair/copy-buffers.js';
import { PACE_TRACKS } from '../../src/pair/difference-bits.js';

const LARGEST = PACE_TRACKS.fast * TRACK_BYTES;

/** Takes `count` buffers at one time; returns their memory. */
async function together(buffers: CopyBuffers, count: number, sizeBytes: number) {
  const taken: ArrayBufferLike[] = [];
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const uses = Array.from({ length: count }, () =>
    buffers.use(sizeBytes, (bytes) => {
      expect(bytes).toHaveLength(sizeBytes);
      taken.push(bytes.buffer);
      return released;
    }),
  );
  release();
  await Promise.all(uses);
  return taken;
}

describe('CopyBuffers', () => {
  it('gives the memory of a copy that has ended to the next one, of whatever size', async () => {
    const buffers = new CopyBuffers();
    const [first] = await together(buffers, 1, LARGEST);
    const [second] = await together(buffers, 1, TRACK_BYTES);
    expect(second === first).toBe(true);
  });

  it('gives copies at one time memory of their own, and keeps that of a few', async () => {
    const buffers = new CopyBuffers();
    const count = 2 * PAIR_BUFFERS_MAX;
    const before = await together(buffers, count, TRACK_BYTES);
    expect(new Set(before).size).toBe(count);
    const after = await together(buffers, count, TRACK_BYTES);
    expect(new Set(after).size).toBe(count);
    expect(after.filter((memory) => before.includes(memory))).toHaveLength(PAIR_BUFFERS_MAX);
  });

  it('takes the memory back from a copy that failed', async () => {
    const buffers = new CopyBuffers();
    const [first] = await together(buffers, 1, LARGEST);
    const failing = buffers.use(TRACK_BYTES, () => Promise.reject(new Error('no room')));
    await expect(failing).rejects.toThrow('no room');
    const [second] = await together(buffers, 1, LARGEST);
    expect(second === first).toBe(true);
  });

  it('has more than it keeps for one that needs more', async () => {
    const buffers = new CopyBuffers();
    const [first] = await together(buffers, 1, 2 * LARGEST);
    const [second] = await together(buffers, 1, 2 * LARGEST);
    expect(second === first).toBe(false);
  });
});
