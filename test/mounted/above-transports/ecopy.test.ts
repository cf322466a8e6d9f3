/** Copies of a mounted array by its real microprocessors: a backup on tape and back, and parameter lists as bytes. */
import { closeSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeScsiRead, encodeScsiWrite } from '../../../src/ecopy/scsi-frame.js';
import { listOf, sense } from '../../ecopy/list-builder.js';
import { DISK_SEGMENT, diskDescriptor } from '../../ecopy/list-of-disks.js';
import { bytesOf, hexOf } from '../../ecopy/worked-examples.js';
import { canMount, MountedArray } from '../../support/mounted-array.js';
import { ARRAYFS, run, until } from '../../support/programs.js';
import { RandomSource } from '../../support/random-source.js';
import { cleanScratch } from '../../support/scratch-directory.js';

interface JobRow {
  readonly id: number;
  readonly state: string;
  readonly message: string;
}

describe.skipIf(!canMount)('copies of a mounted array', () => {
  let array: MountedArray;
  const content = new RandomSource(7).bytes(300_000);

  beforeAll(() => {
    array = MountedArray.create({});
    array.ok('create', 'db 4M');
    writeFileSync(array.volume('db'), content, { flag: 'r+' });
  });
  afterAll(cleanScratch);

  /** The job that the command has started, when it has ended. */
  async function ended(line: string | Uint8Array): Promise<JobRow> {
    const { text } = array.command('ecopy', line);
    const id = Number(/^ok job (\d+) /.exec(text)?.[1]);
    const job = () => array.table<JobRow>('jobs').find((row) => row.id === id);
    await until(() => job()?.state !== 'running');
    return job() as JobRow;
  }

  it('puts a labelled backup on tape, which programs read without the array, and brings it back', async () => {
    const tapes = join(array.directory, 'tapes');
    array.ok('device', `tape0 kind=tape path=${tapes} slots=2 ports=CL1-C,CL2-C`);
    expect(await ended('db tape0/AFS001\n')).toMatchObject({
      state: 'done',
      message: '4M on tape0/AFS001',
    });
    expect(await ended('tape0/AFS001 db2\n')).toMatchObject({ state: 'done' });
    expect(readFileSync(array.volume('db2')).equals(readFileSync(array.volume('db')))).toBe(true);
    const image = join(array.directory, 'image');
    expect(run(ARRAYFS, 'tape', 'extract', tapes, 'db', image).status).toBe(0);
    expect(readFileSync(image).equals(readFileSync(array.volume('db')))).toBe(true);
  });

  it('carries out lists of the Legato form that come to a target port, to a tape and back', async () => {
    array.ok('create', 'back 4M');
    array.ok('lun', 'db ports=CL2-A lun=0');
    array.ok('lun', 'back ports=CL2-A lun=1');
    const port = array
      .table<{ port: string; wwn: string }>('ports')
      .find((row) => row.port === 'CL2-A');
    const device = array.table<{ wwn: string }>('devices')[0];
    const disk = (lun: number) =>
      `e0000000 000${lun}${'00'.repeat(6)} ${port?.wwn} ${'00'.repeat(8)} 00000200`;
    const tape = `e0010000 0002${'00'.repeat(6)} ${device?.wwn} ${'00'.repeat(8)} 00000000`;
    const send = (lun: number, type: string): string => {
      // 512 sectors in transfers of 32 KiB.
      const segment = `${type}000014 ${type === '00' ? '00000001' : '00010000'} 00 008000 0000 0200 0000000000000000`;
      const list = bytesOf(`07010040 00000000 00000018 ${disk(lun)} ${tape} ${segment}`);
      const cdb = bytesOf(`83${'00'.repeat(9)} ${list.length.toString(16).padStart(8, '0')} 0000`);
      const file = openSync(array.path('targets', 'CL2-A', 'scsi'), 'r+');
      try {
        writeSync(file, encodeScsiWrite({ lun: new Uint8Array(8), cdb, dataOut: list }));
        const answer = Buffer.alloc(100);
        const answered = decodeScsiRead(answer.subarray(0, readSync(file, answer)));
        return `${answered.status}${hexOf(answered.sense)}`;
      } finally {
        closeSync(file);
      }
    };
    expect([send(0, '00'), send(1, '01')]).toEqual(['0', '0']);
    const [from, to] = ['db', 'back'].map((name) => readFileSync(array.volume(name)));
    expect(to?.subarray(0, 262_144).equals(from?.subarray(0, 262_144) ?? Buffer.alloc(0))).toBe(
      true,
    );
    expect(to?.subarray(262_144).every((byte) => byte === 0)).toBe(true);
    // A LUN that is not there, by the same form: nothing is copied.
    expect(send(5, '00')).toBe(`2${sense('0a', '0d02', '80000c')}`);
  });

  it('carries out a parameter list that is written as bytes, for the host who writes it', async () => {
    array.ok('create', 'far 4M');
    array.ok('lun', 'db ports=CL1-A lun=0');
    array.ok('lun', 'far ports=CL1-A lun=1');
    const rows = array.table<{ name: string; naa: string }>('volumes');
    const naa = (name: string) => rows.find((row) => row.name === name)?.naa ?? '';
    const targets = [diskDescriptor(naa('db')), diskDescriptor(naa('far'))];
    const list = listOf({ flags: '0900', targets, segments: [DISK_SEGMENT] });
    expect(await ended(list)).toMatchObject({ state: 'done', message: 'wrote 64K in 1 segments' });
    const [from, to] = ['db', 'far'].map((name) => readFileSync(array.volume(name)));
    expect(to?.subarray(0, 65_536).equals(from?.subarray(0, 65_536) ?? Buffer.alloc(0))).toBe(true);
    expect(array.command('ecopy', list.subarray(0, 40)).code).toBe('EINVAL');
  });
});
