/** The flows of the figures of [000] as a host sees them; those in shared memory are in test/san/request-board.test.ts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { Ecopies } from '../../src/array/ecopies.js';
import { ScsiConversation } from '../../src/array/scsi-conversation.js';
import { decodeScsiRead, encodeScsiWrite } from '../../src/ecopy/scsi-frame.js';
import { executeCommand } from '../../src/ecopy/scsi-port.js';
import type { ScsiAnswer } from '../../src/ecopy/scsi-target.js';
import { connectDevice } from '../../src/san/devices.js';
import { setGroup } from '../../src/san/port-groups.js';
import { deviceWwn, portWwn } from '../../src/san/port-id.js';
import { changePort } from '../../src/san/ports.js';
import { MARK, record } from '../device/tap-builder.js';
import { listOf, sense } from '../ecopy/list-builder.js';
import { bytesOf, hexOf } from '../ecopy/worked-examples.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { CONTENT, CopyFixture, NEXUS } from './copy-fixture.js';
import { copyImages } from './copy-images.js';
import { WatchedPath } from './watched-path.js';

const KIB = 1024;
let fixture: CopyFixture;
let path: WatchedPath;
let tapes: string;

afterAll(cleanScratch);

beforeEach(async () => {
  fixture = await CopyFixture.openWritten();
  tapes = fixture.addTape();
  path = new WatchedPath();
  fixture.ecopies = new Ecopies(fixture.array, () => fixture.san, path);
});

const serial = () => fixture.array.identity.serial;
/** As in fig. 4: a volume by the port name 222 and its LUN, the tape by the port name 240. */
const disk = () =>
  `e0000000 ${'00'.repeat(8)} ${portWwn(serial(), 'CL1-A')} ${'00'.repeat(8)} 00000200`;
const tape = () =>
  `e0010000 ${'00'.repeat(8)} ${deviceWwn(serial(), 1)} ${'00'.repeat(8)} 00000000`;
/** 256 sectors in two records of 64 KiB. */
const SEGMENT = '00000014 0000 0001 00 010000 0000 0100 0000000000000000';
const DATA = CONTENT.subarray(0, 128 * KIB);
const TAPE = Buffer.concat([record(DATA.subarray(0, 64 * KIB)), record(DATA.subarray(64 * KIB))]);
const onTape = () => readFileSync(join(tapes, 'AFS001.tap'));
const standard = () => listOf({ flags: '0101', targets: [disk(), tape()], segments: [SEGMENT] });

/** EXTENDED COPY as of fig. 3: bytes 10-13 have the length of the parameter list. */
function command(list: Uint8Array): Uint8Array {
  const cdb = bytesOf(`83 ${'00'.repeat(9)} ${list.length.toString(16).padStart(8, '0')} 00 00`);
  return encodeScsiWrite({ lun: bytesOf('00'.repeat(8)), cdb, dataOut: list });
}

/** What a host does that has one file open at the port. */
class HostFile {
  private readonly conversation = new ScsiConversation({
    clock: fixture.pools.clock,
    check: () => undefined,
    execute: (sent) => executeCommand({ ...NEXUS, ...sent }, fixture.ecopies),
    onAnswer: () => path.log.push('answer to the host'),
  });

  write(bytes: Uint8Array): void {
    this.conversation.write(bytes);
  }

  async answer(): Promise<ScsiAnswer> {
    return decodeScsiRead(await fixture.drive(Promise.resolve(this.conversation.answer())));
  }
}

describe('[000]', () => {
  it('fig. 2: one command of the server, and the array copies by itself through an initiator port', async () => {
    const host = new HostFile();
    host.write(command(standard()));
    expect((await host.answer()).status).toBe(0);
    expect(path.log[0]).toBe('search tape0 through CL1-C CL1-D CL2-C CL2-D');
    expect(onTape().equals(TAPE)).toBe(true);
  });

  it('fig. 3: the command has 16 bytes and says how long the list behind it is', async () => {
    const bytes = command(standard());
    expect(bytes.length).toBe(8 + 16 + 16 + 64 + 24);
    const host = new HostFile();
    // Nothing happens before the last byte of the list is there.
    host.write(bytes.subarray(0, -1));
    expect(fixture.array.jobs()).toEqual([]);
    host.write(bytes.subarray(-1));
    expect((await host.answer()).status).toBe(0);
    const short = Buffer.from(bytes);
    // As long as the header and both targets: the segment is missing.
    short.writeUInt32BE(80, 8 + 10);
    expect(() => host.write(short)).toThrow('EINVAL: the CDB announces 80 bytes of data, not 104');
    host.write(short.subarray(0, 8 + 16 + 80));
    expect(hexOf((await host.answer()).sense)).toBe(sense('05', '1a00'));
  });

  it('fig. 4: bytes 12-15 are the length of inline data, byte 16 begins the first target', async () => {
    const list = standard();
    expect([hexOf(list.subarray(12, 16)), list[16]]).toEqual(['00000000', 0xe0]);
    const inline = `04000010 0000 0001 00 000050 00000000 00000050`;
    const labelled = listOf({
      ...{ flags: '0201', targets: [disk(), tape()], inline: '41'.repeat(80) },
      segments: [inline, '10000008 0000 0001 00 000001', SEGMENT],
    });
    expect(hexOf(labelled.subarray(12, 16))).toBe('00000050');
    expect(await fixture.copy(labelled)).toBe('good');
    expect(onTape().equals(Buffer.concat([record('A'.repeat(80)), MARK, TAPE]))).toBe(true);
  });

  it('fig. 5: byte 12 tells the other form, whose first target begins there', async () => {
    const header = bytesOf('03010040 00000000 00000018');
    const legato = Buffer.concat([header, bytesOf(disk() + tape() + SEGMENT)]);
    expect([standard()[12], legato[12]]).toEqual([0x00, 0xe0]);
    expect(await fixture.copy(standard())).toBe('good');
    const first = onTape();
    expect(await fixture.copy(legato)).toBe('good');
    expect([first.equals(TAPE), onTape().equals(TAPE)]).toEqual([true, true]);
  });

  it('fig. 6: list, search, login, a write and its response for each portion, and the response to the server', async () => {
    const host = new HostFile();
    const segments = [SEGMENT, SEGMENT.replace(/0{16}$/, '0000000000000100')];
    host.write(command(listOf({ flags: '0101', targets: [disk(), tape()], segments })));
    expect((await host.answer()).status).toBe(0);
    expect(path.log).toEqual([
      'search tape0 through CL1-C CL1-D CL2-C CL2-D',
      'inquire: inquiry',
      'write-records 131072: done',
      'write-records 131072: done',
      'sync: done',
      'log out',
      'answer to the host',
    ]);
  });

  it('fig. 8: the group of the port that the command came through says which initiator ports are used', async () => {
    const one = { name: 'group1', targets: ['CL1-A', 'CL1-B'], initiators: ['CL1-C'] } as const;
    const two = { name: 'group2', targets: ['CL2-A'], initiators: ['CL2-C', 'CL2-D'] } as const;
    fixture.san = setGroup(setGroup(fixture.san, one), two);
    expect(await fixture.copy(standard())).toBe('good');
    // At CL2-A the host has no LUN 0 of CL1-A, which is no port of that group.
    const toTape = ['10000008 0000 0000 00 000001'];
    const marks = listOf({ flags: '0101', targets: [tape()], segments: toTape });
    expect(await fixture.copy(marks, { ...NEXUS, port: 'CL2-A' })).toBe('good');
    expect(path.log.filter((line) => line.startsWith('search'))).toEqual([
      'search tape0 through CL1-C',
      'search tape0 through CL2-C CL2-D',
    ]);
    fixture.san = connectDevice(fixture.san, 'tape0', ['CL2-D']);
    expect(await fixture.copy(standard())).toBe(sense('0a', '0d02', '800030'));
    expect(await copyImages(fixture, 'far', 'tape0/AFS002', { group: 'group2' })).toMatch(/^done/);
  });

  it('fig. 10: the result goes to the server that sent the command, when the initiator side has ended', async () => {
    fixture.san = connectDevice(fixture.san, 'tape0', []);
    const host = new HostFile();
    host.write(command(standard()));
    expect(hexOf((await host.answer()).sense)).toBe(sense('0a', '0d02', '800030'));
    expect(fixture.array.jobs()[0]).toMatchObject({ state: 'failed' });
    expect(fixture.array.jobs()[0]?.message).toMatch(
      /ports CL1-C, CL1-D, CL2-C, CL2-D have no path to it$/,
    );
  });

  it('fig. 12: a port that becomes an initiator takes no commands any more, and is used for copies', async () => {
    const changed = changePort(fixture.san, 'CL2-A', { role: 'initiator' }, false);
    fixture.san = connectDevice(changed, 'tape0', ['CL2-A', 'CL2-C']);
    expect(await fixture.copy(standard())).toBe('good');
    expect(path.log[0]).toBe('search tape0 through CL2-A CL2-C');
    const refused = () => fixture.ecopies.startList(standard(), { uid: 0, port: 'CL2-A' });
    expect(refused).toThrow(/CL2-A/);
  });

  it('fig. 13: a port is added to a group and taken from it, for the next copy', async () => {
    const group = { name: 'g1', targets: ['CL1-A'] } as const;
    fixture.san = setGroup(fixture.san, { ...group, initiators: ['CL1-C', 'CL2-C'] });
    await fixture.copy(standard());
    fixture.san = setGroup(fixture.san, { ...group, initiators: ['CL2-C'] });
    await fixture.copy(standard());
    expect(path.log.filter((line) => line.startsWith('search'))).toEqual([
      'search tape0 through CL1-C CL2-C',
      'search tape0 through CL2-C',
    ]);
  });
});
