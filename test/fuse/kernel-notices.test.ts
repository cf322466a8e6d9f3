/** Which notices are written, and when they count as delivered; a file takes the place of /dev/fuse. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as frames from '../../src/fuse/fuse-format-notify.js';
import { InodeTable } from '../../src/fuse/inode-table.js';
import { KernelNotices } from '../../src/fuse/kernel-notices.js';
import { PollTable } from '../../src/fuse/poll-table.js';
import { threadPrograms } from './transport-cases.js';

const ROOT = { ino: 1, isDirectory: true };
const KNOWN = { ino: 20, isDirectory: false };
const UNKNOWN = { ino: 30, isDirectory: false };

let directory = '';
let device = -1;
let inodes: InodeTable;
let polls: PollTable;
let knownId = 0;
let bugs: unknown[];
let notices: KernelNotices;
let broken: Promise<void>;

function noticesBy(programs: URL): KernelNotices {
  let onBroken = () => {};
  broken = new Promise((resolve) => {
    onBroken = resolve;
  });
  const onBug = (error: unknown) => void bugs.push(error);
  const parts = { inodes, polls, device, programs, keepsPages: false };
  return new KernelNotices({ ...parts, onBug, onBroken });
}

const written = () => readFileSync(join(directory, 'device'));

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'arrayfs-notices-'));
  device = openSync(join(directory, 'device'), 'w+');
  inodes = new InodeTable(ROOT);
  polls = new PollTable();
  knownId = inodes.remember(KNOWN);
  bugs = [];
  notices = noticesBy(threadPrograms());
});

afterEach(async () => {
  await notices.end();
  closeSync(device);
  rmSync(directory, { recursive: true });
});

describe('notices to the kernel', () => {
  it('are written in their order when they count as delivered', async () => {
    polls.add(1, KNOWN, 77);
    notices.contentChanged(KNOWN);
    notices.attributesChanged(KNOWN);
    notices.nodeReadable(KNOWN);
    await notices.delivered();
    expect(written()).toEqual(
      Buffer.concat([
        frames.invalidateNodeNotice(knownId),
        frames.invalidateAttributesNotice(knownId),
        frames.pollNotice(77),
      ]),
    );
    expect(bugs).toEqual([]);
  });

  it('are not written of what the kernel does not know, and nobody waits for them', async () => {
    notices.contentChanged(UNKNOWN);
    notices.attributesChanged(UNKNOWN);
    notices.nodeReadable(KNOWN);
    await notices.delivered();
    inodes.forget(knownId, 1);
    notices.contentChanged(KNOWN);
    await notices.delivered();
    expect(written()).toHaveLength(0);
  });

  it('are waited for only by those who asked after them', async () => {
    const order: number[] = [];
    notices.contentChanged(KNOWN);
    const first = notices.delivered().then(() => order.push(1));
    for (let count = 0; count < 100; count += 1) notices.contentChanged(KNOWN);
    const second = notices.delivered().then(() => order.push(2));
    await Promise.all([second, first]);
    expect(order).toEqual([1, 2]);
    expect(written()).toHaveLength(101 * 40);
  });

  it('hold nobody up any more when the connection is over', async () => {
    notices.contentChanged(KNOWN);
    const waiting = notices.delivered();
    notices.release();
    await waiting;
    notices.contentChanged(KNOWN);
    await notices.delivered();
  });

  it('end the mount when their thread breaks, and release who waits', async () => {
    writeFileSync(join(directory, 'notifier.js'), 'process.exit(3);');
    writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
    const others = noticesBy(pathToFileURL(`${directory}/`));
    others.contentChanged(KNOWN);
    await others.delivered();
    await broken;
  });

  it('that cannot be written are reported and count as done', async () => {
    closeSync(device);
    device = openSync(join(directory, 'device'), 'r');
    notices = noticesBy(threadPrograms());
    notices.contentChanged(KNOWN);
    await notices.delivered();
    expect(bugs.map(String)).toEqual([expect.stringContaining('EBADF')]);
  });
});
