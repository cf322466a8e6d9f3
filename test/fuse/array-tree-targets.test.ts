/** /targets as hosts see it: ports, LUNs by number, and the file that takes SCSI commands. */
import { beforeEach, describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { decodeScsiRead, encodeScsiWrite } from '../../src/ecopy/scsi-frame.js';
import { SCSI_STATUS } from '../../src/ecopy/scsi-target.js';
import { ArrayTree } from '../../src/fuse/array-tree.js';
import type { OpenFile, TreeNode } from '../../src/fuse/file-tree.js';
import { APP, LOCAL, STRANGER, TargetsFixture } from '../array/targets-fixture.js';
import { codeOf, contentOf, OVERWRITE, READ, READ_WRITE, TreeAccess } from './tree-access.js';

const TEST_UNIT_READY = '000000000000';
const REPORT_LUNS = 'a00000000000000001000000';
/** A list without targets and segments: copies nothing, and is over when the copy manager says so. */
const EXTENDED_COPY = '83000000000000000000000000100000';
const SOME_LIST = Buffer.alloc(16);

let targets: TargetsFixture;
let tree: ArrayTree;
let told: string[];

const as = (uid: number | undefined) =>
  new TreeAccess(tree, uid === undefined ? undefined : { uid, gid: uid, pid: 1 });

beforeEach(async () => {
  targets = await TargetsFixture.open();
  tree = new ArrayTree(targets.array);
  told = [];
});

function command(cdb: string, { lun = 0, dataOut = new Uint8Array() } = {}): Uint8Array {
  const address = Buffer.from([0, lun, 0, 0, 0, 0, 0, 0]);
  return encodeScsiWrite({ lun: address, cdb: Buffer.from(cdb, 'hex'), dataOut });
}

function watchTree(keepsPages: boolean): void {
  const note = (what: string) => (node: TreeNode) => void told.push(`${what} ${node.ino}`);
  tree.watch({
    keepsPages,
    attributesChanged: note('attributes'),
    contentChanged: note('content'),
    nodeReadable: note('readable'),
    delivered: async () => void told.push('delivered'),
  });
}

describe('/targets', () => {
  it('has a directory for each target port, and in it what the host of the caller sees', () => {
    expect(as(LOCAL).names('/targets')).toEqual(['CL1-A', 'CL1-B', 'CL2-A', 'CL2-B']);
    expect(as(LOCAL).names('/targets/CL1-A')).toEqual(['scsi', '0', '1']);
    expect(as(APP).names('/targets/CL1-A')).toEqual(['scsi', '0', '1', '7']);
    expect(as(undefined).names('/targets/CL1-A')).toEqual(['scsi', '0', '1']);
    expect(as(LOCAL).names('/targets/CL1-B')).toEqual(['scsi']);
  });

  it('has under one number another volume for another host', async () => {
    const [own, log] = [as(APP), as(LOCAL)].map((host) => host.node('/targets/CL1-A/1').ino);
    expect(own).not.toBe(log);
    expect(as(APP).node('/targets/CL1-A/0').ino).toBe(as(LOCAL).node('/targets/CL1-A/0').ino);
    expect(as(APP).node('/targets/CL2-A/3').ino).not.toBe(as(APP).node('/targets/CL1-A/0').ino);
  });

  it.each([
    'CL1-A/7',
    'CL1-A/00',
    'CL1-A/01',
    'CL1-A/-1',
    'CL1-A/x',
    'CL1-A/99999',
    'CL1-C',
    'CL3-A',
  ])('has no %s', async (path) => {
    expect(await codeOf(() => as(LOCAL).node(`/targets/${path}`))).toBe('ENOENT');
  });

  it('lets a user who is no host see the ports, and nothing inside', async () => {
    const stranger = as(STRANGER);
    expect(stranger.names('/targets')).toContain('CL1-A');
    const tries = [
      () => stranger.names('/targets/CL1-A'),
      () => stranger.node('/targets/CL1-A/0'),
      () => stranger.node('/targets/CL1-A/scsi'),
      () => tree.open(as(LOCAL).node('/targets/CL1-A/0'), READ, stranger.caller),
      () => tree.open(as(LOCAL).node('/targets/CL1-A/scsi'), READ, stranger.caller),
    ];
    for (const attempt of tries) expect(await codeOf(attempt)).toBe('EACCES');
    expect(targets.events().filter((text) => text.startsWith('UNKNOWN-HOST'))).toHaveLength(1);
  });

  it('does not open for a host what it got to know of by another', async () => {
    const node = as(APP).node('/targets/CL1-A/7');
    expect(await codeOf(() => tree.open(node, READ, as(LOCAL).caller))).toBe('ENXIO');
  });

  it('has nothing that is made, removed or renamed by file operations', async () => {
    const host = as(LOCAL);
    expect(await codeOf(() => host.create('/targets/CL1-A/2'))).toBe('EPERM');
    expect(await codeOf(() => host.remove('/targets/CL1-A/0'))).toBe('EPERM');
    expect(await codeOf(() => host.rename('/targets/CL1-A/0', '/targets/CL1-A/5'))).toBe('EPERM');
    expect(await codeOf(() => host.makeDirectory('/targets/CL3-A'))).toBe('EPERM');
    expect(await codeOf(() => host.removeDirectory('/targets/CL1-A'))).toBe('EPERM');
  });
});

describe('modes in /targets', () => {
  const modes = (uid: number | undefined, port = 'CL1-A') =>
    Promise.all(
      ['/', '/targets', `/targets/${port}`, `/targets/${port}/scsi`, `/targets/${port}/0`].map(
        async (path) => ((await as(uid).stat(path)).mode & 0o777).toString(8),
      ),
    );

  it('let everybody in where the array is told who asks', async () => {
    expect(await modes(LOCAL)).toEqual(['711', '755', '755', '666', '666']);
    expect((await as(APP).stat('/targets/CL1-A/7')).mode & 0o777).toBe(0o444);
  });

  it('let only the mounting user in where it is not', async () => {
    expect(await modes(undefined)).toEqual(['700', '700', '700', '600', '600']);
  });
});

describe('a LUN', () => {
  it('is the image of its volume', async () => {
    const host = as(LOCAL);
    const file = await host.open('/targets/CL1-A/0', READ_WRITE);
    await file.write(BLOCK_BYTES, Buffer.alloc(BLOCK_BYTES, 9));
    await targets.clock.drive(Promise.resolve(file.sync()));
    expect(await file.seekData?.(0)).toBe(BLOCK_BYTES);
    await file.close();
    expect(
      (await contentOf(await host.open('/volumes/db'))).equals(
        await contentOf(await host.open('/targets/CL1-A/0')),
      ),
    ).toBe(true);
    const { sizeBytes, sectorsAllocated } = await host.stat('/targets/CL1-A/0');
    expect([sizeBytes, sectorsAllocated]).toEqual([4 * BLOCK_BYTES, BLOCK_BYTES / 512]);
  });

  it('is frozen where it is a snapshot', async () => {
    const host = as(APP);
    expect(await codeOf(() => host.open('/targets/CL1-A/7', READ_WRITE))).toBe('EROFS');
    expect(await contentOf(await host.open('/targets/CL1-A/7'))).toHaveLength(4 * BLOCK_BYTES);
  });

  it('keeps its size and attributes, also when a shell overwrites it', async () => {
    const host = as(LOCAL);
    const sizeBytes = 4 * BLOCK_BYTES;
    await host.echo('/targets/CL1-A/0', 'x'.repeat(512));
    expect(targets.array.volume('db').sizeBytes).toBe(sizeBytes);
    const file = await host.open('/targets/CL1-A/0', OVERWRITE);
    expect(await codeOf(() => host.change('/targets/CL1-A/0', { sizeBytes: 0 }, file))).toBe(
      'EPERM',
    );
    expect(await codeOf(() => host.change('/targets/CL1-A/0', { sizeBytes }, file))).toBe('done');
    expect(await codeOf(() => host.change('/targets/CL1-A/0', { mode: 0o600 }))).toBe('EPERM');
    expect(await codeOf(() => file.write(sizeBytes, Buffer.alloc(1)))).toBe('ENOSPC');
  });

  it('is kept in no page cache, and tells of its writes whoever keeps pages of the image', async () => {
    watchTree(true);
    const image = as(LOCAL).node('/volumes/db').ino;
    const file = await as(LOCAL).open('/targets/CL1-A/0', READ_WRITE);
    expect(file.mayBeCached).toBe(false);
    told = [];
    expect(await file.write(0, Buffer.alloc(512, 1))).toBe(512);
    expect(told).toEqual([`content ${image}`, 'delivered']);
    told = [];
    await file.allocate?.({ kind: 'punch', offset: 0, sizeBytes: 512, keepsSize: true });
    expect(told).toEqual([`content ${image}`, 'delivered']);
  });

  it('tells of its times now and then where nobody keeps pages', async () => {
    watchTree(false);
    const image = as(LOCAL).node('/volumes/db').ino;
    const file = await as(LOCAL).open('/targets/CL1-A/0', READ_WRITE);
    told = [];
    for (let count = 0; count < 100; count += 1) await file.write(0, Buffer.alloc(512, count));
    expect(told).toEqual([`attributes ${image}`]);
    await targets.clock.advance(1_000);
    await file.write(0, Buffer.alloc(512, 1));
    expect(told).toEqual([`attributes ${image}`, `attributes ${image}`]);
  });
});

describe('/status/load', () => {
  it('is of the last period at every look, also while nothing but time goes on', async () => {
    const ios = async () => {
      await targets.clock.advance(1_000);
      const rows: { name: string; ios: number }[] = JSON.parse(
        await as(LOCAL).text('/status/load.json'),
      );
      return rows.find(({ name }) => name === 'CL1-A')?.ios;
    };
    const file = await as(LOCAL).open('/targets/CL1-A/0');
    await ios();
    for (let count = 0; count < 3; count += 1) await file.read(0, Buffer.alloc(512));
    expect([await ios(), await ios()]).toEqual([3, 0]);
  });
});

describe('the scsi file of a port', () => {
  const open = (uid = LOCAL) => as(uid).open('/targets/CL1-A/scsi', READ_WRITE);

  async function answerOf(file: OpenFile, cdb: string, lun = 0) {
    const bytes = command(cdb, { lun });
    await file.write(0, bytes);
    const answer = Buffer.alloc(4096);
    return decodeScsiRead(answer.subarray(0, await file.read(bytes.length, answer)));
  }

  it('answers for what the host of its opener sees', async () => {
    const ready = async (uid: number, lun: number) =>
      (await answerOf(await open(uid), TEST_UNIT_READY, lun)).status;
    expect(await ready(LOCAL, 1)).toBe(SCSI_STATUS.good);
    expect(await ready(LOCAL, 7)).toBe(SCSI_STATUS.checkCondition);
    expect(await ready(APP, 7)).toBe(SCSI_STATUS.good);
  });

  it('gives the answer in pieces to whoever reads on, and again from the start', async () => {
    const file = await open();
    const bytes = command(REPORT_LUNS);
    expect(await file.write(0, bytes)).toBe(bytes.length);
    const pieces: Buffer[] = [];
    for (let position = bytes.length; ; ) {
      const piece = Buffer.alloc(5);
      const count = await file.read(position, piece);
      if (count === 0) break;
      pieces.push(piece.subarray(0, count));
      position += count;
    }
    const whole = Buffer.concat(pieces);
    expect(decodeScsiRead(whole).dataIn.length).toBe(8 + 2 * 8);
    const again = Buffer.alloc(4096);
    expect(again.subarray(0, await file.read(0, again)).equals(whole)).toBe(true);
    expect(await file.read(0, again)).toBe(whole.length);
  });

  it('has an exchange of its own for each open file', async () => {
    const [first, second] = [await open(), await open(APP)];
    await first.write(0, command(REPORT_LUNS));
    expect((await answerOf(second, TEST_UNIT_READY)).dataIn).toHaveLength(0);
    const answer = Buffer.alloc(4096);
    expect(await first.read(0, answer)).toBe(8 + 8 + 2 * 8);
  });

  it('waits for a copy, refuses a second command meanwhile, and wakes who polls', async () => {
    watchTree(false);
    const file = await open();
    const ino = file.node.ino;
    expect(file.isReadable?.()).toBe(false);
    await file.write(0, command(EXTENDED_COPY, { dataOut: SOME_LIST }));
    await targets.clock.yield();
    expect(targets.copies.count).toBe(1);
    expect([file.isReadable?.(), told]).toEqual([false, []]);
    expect(await codeOf(() => file.write(0, command(TEST_UNIT_READY)))).toBe('EBUSY');
    const answer = Buffer.alloc(16);
    const read = file.read(40, answer, new AbortController().signal);
    targets.copies.end();
    expect(await read).toBe(8);
    expect(decodeScsiRead(answer.subarray(0, 8)).status).toBe(SCSI_STATUS.good);
    expect(told).toEqual([`readable ${ino}`]);
    expect(file.isReadable?.()).toBe(false);
  });

  it('goes on with the command when the file is closed', async () => {
    const file = await open();
    await file.write(0, command(EXTENDED_COPY, { dataOut: SOME_LIST }));
    await file.close();
    await targets.clock.yield();
    expect(targets.copies.count).toBe(1);
    targets.copies.end();
  });

  it('answers nothing while the port is down', async () => {
    const file = await open();
    await file.write(0, command(TEST_UNIT_READY));
    await targets.clock.yield();
    await targets.array.san.changePorts(['CL1-A'], { state: 'down' });
    expect(await codeOf(() => file.read(0, Buffer.alloc(8)))).toBe('ENXIO');
    expect(await codeOf(() => file.write(0, command(TEST_UNIT_READY)))).toBe('ENXIO');
    expect(await codeOf(() => open())).toBe('ENXIO');
    await targets.array.san.changePorts(['CL1-A'], { state: 'up', usage: 'backup' });
    expect((await answerOf(file, TEST_UNIT_READY)).status).toBe(SCSI_STATUS.good);
  });
});
