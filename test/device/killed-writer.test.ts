/** Threads that write a backup and are terminated anywhere; another goes on from the last pointer kept. */
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeviceKind } from '../../src/device/backup-device.js';
import { openBackup, resumeBackup } from '../../src/device/backup-image.js';
import type { BackupForm, Management } from '../../src/device/backup-manifest.js';
import type { BackupPointer } from '../../src/device/backup-writer.js';
import { openDevice } from '../../src/device/open-device.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { MANIFEST } from './backup-examples.js';
import { contentOf, denseExtent, feed, hashOf, imageOf } from './backup-source.js';
import { type DeviceCase, makeDevice } from './device-cases.js';

const ROOT = resolve(import.meta.dirname, '../..');
/** As built: a thread of its own loads it without vitest. */
const DEVICE_MODULES = pathToFileURL(join(ROOT, 'dist/src/device/')).href;
const PIECES = 40;
const PIECE_BYTES = 64 * 1024;
const IMAGE_BYTES = PIECES * PIECE_BYTES;
const EXTENTS = Array.from({ length: PIECES }, (_, piece) =>
  denseExtent(piece * PIECE_BYTES, PIECE_BYTES),
);
const IMAGE = hashOf(imageOf(EXTENTS, IMAGE_BYTES));
const CASES: readonly [DeviceKind, BackupForm][] = [
  ['tape', 'sparse'],
  ['tape', 'plain'],
  ['disk', 'plain'],
  ['array', 'plain'],
];

beforeAll(() => {
  execFileSync(join(ROOT, 'scripts/arrayfs'), ['--version']);
});
afterAll(cleanScratch);

interface Task {
  readonly definition: DeviceCase['definition'];
  readonly medium: string;
  readonly management: Management;
  readonly extents: typeof EXTENTS;
  readonly pointer: BackupPointer | undefined;
}

/** Tells each pointer, and `done` at the end; has the medium for as long as it lives. */
const WRITER = `const { parentPort, workerData } = require('node:worker_threads');
  const { modules, task } = workerData;
  Promise.all([import(modules + 'open-device.js'), import(modules + 'backup-image.js')]).then(
    ([{ openDevice }, { beginBackup, resumeBackup }]) => {
      const session = openDevice(task.definition).login('CL1-C');
      const writer = task.pointer
        ? resumeBackup(session, task.pointer, task.management)
        : beginBackup(session, task.medium, task.management);
      parentPort.postMessage(writer.checkpoint());
      for (const { offset, data } of task.extents) {
        if (offset + data.length <= writer.nextOffset) continue;
        const skipped = Math.max(0, writer.nextOffset - offset);
        writer.write(offset + skipped, data.subarray(skipped));
        parentPort.postMessage(writer.checkpoint());
      }
      parentPort.postMessage('done');
      setInterval(() => {}, 1000);
    });`;

/** Lets a thread write and terminates it after some messages; the last pointer it told. */
function writeAndTerminate(task: Task, messages: number): Promise<BackupPointer | undefined> {
  const worker = new Worker(WRITER, {
    eval: true,
    workerData: { modules: DEVICE_MODULES, task },
  });
  return new Promise((done, reject) => {
    let { pointer } = task;
    let seen = 0;
    worker.on('error', reject);
    worker.on('message', (message: BackupPointer | 'done') => {
      if (message !== 'done') pointer = message;
      seen += 1;
      if (seen !== messages && message !== 'done') return;
      worker.terminate().then(() => done(pointer), reject);
    });
  });
}

describe.each(CASES)('threads that write to %s in %s form', (kind, form) => {
  it('and are terminated leave a medium that is free, and a backup that goes on', async () => {
    const random = new RandomSource(0xdead);
    for (let round = 0; round < repeat(3); round += 1) {
      const { definition, medium } = makeDevice(kind);
      const manifest = { ...MANIFEST, form, imageBytes: IMAGE_BYTES };
      const management: Management = { manifest, information: undefined };
      const task = { definition, medium, management, extents: EXTENTS };
      let pointer = await writeAndTerminate({ ...task, pointer: undefined }, random.integer(1, 30));
      pointer = await writeAndTerminate({ ...task, pointer }, random.integer(1, 30));
      if (pointer === undefined) throw new Error('no thread told a pointer');
      const session = openDevice(definition).login('CL2-C');
      const writer = resumeBackup(session, pointer, management);
      expect(writer.nextOffset).toBeGreaterThanOrEqual(pointer.nextOffset);
      feed(writer, EXTENTS);
      writer.finish();
      expect(hashOf(contentOf(openBackup(session, medium)))).toBe(IMAGE);
      session.logout();
    }
  });
});
