/** Which thread calls, and that it alone steps back: in a thread of its own, as the built program runs it. */
import { readdirSync } from 'node:fs';
import { getPriority } from 'node:os';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { ownThread } from '../../src/base/own-thread.js';

const PROGRAM = `
  const { parentPort, workerData } = require('node:worker_threads');
  import(workerData).then(({ ownThread, workInBackground }) => {
    workInBackground();
    parentPort.once('message', () => {});
    parentPort.postMessage(ownThread());
  });`;

describe('a thread', () => {
  it('is known by process and task', () => {
    const task = ownThread()?.task;
    expect(ownThread()?.pid).toBe(process.pid);
    expect(readdirSync('/proc/self/task').map(Number)).toContain(task);
  });

  it('that works in the background is the only one whose priority falls', async () => {
    const before = getPriority(ownThread()?.task);
    const built = new URL('../../dist/src/base/own-thread.js', import.meta.url);
    const worker = new Worker(PROGRAM, { eval: true, workerData: built.href });
    try {
      const thread = await new Promise<{ pid: number; task: number }>((resolve, reject) => {
        worker.once('message', resolve).once('error', reject);
      });
      expect(thread.pid).toBe(process.pid);
      expect(getPriority(thread.task)).toBe(Math.min(19, before + 5));
      expect(getPriority(ownThread()?.task)).toBe(before);
    } finally {
      await worker.terminate();
    }
  });
});
