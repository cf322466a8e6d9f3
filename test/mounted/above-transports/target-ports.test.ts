/** Target ports of a real mount: SCSI commands by the file and by the command line, LUNs, hosts and strangers. */
import {
  chmodSync,
  closeSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeScsiRead, encodeScsiWrite } from '../../../src/ecopy/scsi-frame.js';
import { listOf } from '../../ecopy/list-builder.js';
import { canMount, codeOf, MIB, MountedArray } from '../../support/mounted-array.js';
import { ARRAYFS, done, run } from '../../support/programs.js';
import { cleanScratch } from '../../support/scratch-directory.js';

const APP = 4711;
const STRANGER = 4712;
const READ_CAPACITY = '25 00 00 00 00 00 00 00 00 00';
const REPORT_LUNS = 'a0 00 00 00 00 00 00 00 01 00 00 00';
const INQUIRY = '12 00 00 00 60 00';

const as = (uid: number, script: string) =>
  run('setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', 'sh', '-c', script);

describe.skipIf(!canMount)('target ports', () => {
  let array: MountedArray;
  const lun = (number: number) => array.path('targets', 'CL1-A', `${number}`);
  const scsi = (...words: string[]) =>
    run(ARRAYFS, 'scsi', '--mount', array.mount, '--port', 'CL1-A', ...words);
  const events = (code: string) =>
    array
      .read('events')
      .split('\n')
      .filter((line) => line.includes(` ${code} `));

  beforeAll(() => {
    array = MountedArray.create({ mountWords: ['--allow-other'] });
    chmodSync(array.directory, 0o755);
    for (const name of ['db', 'own']) array.ok('create', `${name} 1M`);
    array.ok('host', `app uids=${APP}`);
    array.ok('lun', 'db ports=CL1-A lun=0');
    array.ok('lun', 'own ports=CL1-A lun=1 host=app');
  });
  afterAll(cleanScratch);

  it('answer a command that is written to their file, on the descriptor that wrote it', () => {
    const file = openSync(array.path('targets', 'CL1-A', 'scsi'), 'r+');
    try {
      const cdb = Buffer.from(READ_CAPACITY.replaceAll(' ', ''), 'hex');
      const bytes = encodeScsiWrite({ lun: Buffer.alloc(8), cdb, dataOut: new Uint8Array() });
      // In two pieces, and the answer where the writes have left the position of the file.
      expect(writeSync(file, bytes.subarray(0, 10))).toBe(10);
      expect(codeOf(() => readSync(file, Buffer.alloc(8)))).toBe('EINVAL');
      expect(writeSync(file, bytes.subarray(10))).toBe(14);
      const answer = Buffer.alloc(100);
      const { status, dataIn } = decodeScsiRead(answer.subarray(0, readSync(file, answer)));
      expect([status, Buffer.from(dataIn).toString('hex')]).toEqual([0, '000007ff00000200']);
      expect(readSync(file, answer)).toBe(0);
    } finally {
      closeSync(file);
    }
  });

  it('answer the command line in words', () => {
    const capacity = scsi('--cdb', READ_CAPACITY);
    expect(capacity).toMatchObject({ status: 0, errors: '' });
    expect(capacity.out).toContain('size: 1048576 bytes');
    expect(scsi('--cdb', INQUIRY).out).toContain('ARRAYFS');
    const output = join(array.directory, 'luns');
    expect(scsi('--cdb', REPORT_LUNS, '--output', output).out).toMatch(/LUN 0$/);
    expect(readFileSync(output)).toHaveLength(16);
    const json = JSON.parse(scsi('--cdb', READ_CAPACITY, '--json').out);
    expect(json).toMatchObject({ ok: true, status: 0, sense: '', dataIn: '000007ff00000200' });
  });

  it('end the command line with 1 where the command failed, or could not be sent', () => {
    const hidden = scsi('--lun', '1', '--cdb', READ_CAPACITY);
    expect(hidden.status).toBe(1);
    expect(hidden.out).toContain('LOGICAL UNIT NOT SUPPORTED');
    const words = ['scsi', '--mount', array.mount, '--cdb', INQUIRY, '--port'];
    expect(run(ARRAYFS, ...words, 'CL1-C').errors).toBe('arrayfs: there is no target port CL1-C');
    const down = run(ARRAYFS, ...words, 'CL2-B', '--host', 'none');
    expect([down.status, down.errors]).toEqual([1, 'arrayfs: there is no host none']);
    array.ok('port', 'CL2-B state=down');
    expect(run(ARRAYFS, ...words, 'CL2-B').errors).toContain(
      'port CL2-B or its controller is down',
    );
  });

  it('copy blocks by EXTENDED COPY, as a job', () => {
    const { naa } = array.table<{ name: string; naa: string }>('volumes')[0] as { naa: string };
    const list = listOf({
      targets: [`e4000000 01030010 ${naa} 00000000 00000200`],
      // 8 blocks from 0 to 16.
      segments: [`02000018 0000 0000 0000 0008 ${'00'.repeat(8)} 0000000000000010`],
    });
    const file = join(array.directory, 'list');
    writeFileSync(file, list);
    writeFileSync(lun(0), Buffer.alloc(4096, 'x'));
    const length = list.length.toString(16).padStart(8, '0');
    const result = scsi('--cdb', `83${'00'.repeat(9)}${length}0000`, '--data', file);
    expect(result).toMatchObject({ status: 0, errors: '' });
    expect(array.table('jobs')).toMatchObject([{ kind: 'ecopy', state: 'done' }]);
    const content = readFileSync(array.volume('db'));
    expect(content.subarray(8192, 12288).equals(Buffer.alloc(4096, 'x'))).toBe(true);
    expect(content.subarray(12288).every((byte) => byte === 0)).toBe(true);
  });

  it('serve a LUN, and refuse it while the port is down', () => {
    const data = Buffer.alloc(MIB, 7);
    writeFileSync(lun(0), data);
    expect(readFileSync(array.volume('db')).equals(data)).toBe(true);
    const file = openSync(lun(0), 'r+');
    try {
      expect(codeOf(() => writeSync(file, data, 0, 512, MIB))).toBe('ENOSPC');
      array.ok('port', 'CL1-A state=down');
      expect(codeOf(() => writeSync(file, data, 0, 512, 0))).toBe('ENXIO');
      expect(codeOf(() => readFileSync(lun(0)))).toBe('ENXIO');
      array.ok('port', 'CL1-A state=up');
      expect(writeSync(file, data, 0, 512, 0)).toBe(512);
    } finally {
      closeSync(file);
    }
  });

  it('show each host its own LUNs', () => {
    expect(done('ls', array.path('targets', 'CL1-A'))).toBe('0\nscsi');
    const app = as(
      APP,
      `cd ${array.mount}/targets/CL1-A && ls && head -c 4 0 | wc -c && echo x | dd of=1 conv=notrunc status=none && head -c 1 1`,
    );
    expect(app).toEqual({ status: 0, out: '0\n1\nscsi\n4\nx', errors: '' });
    expect(readFileSync(array.volume('own'), 'latin1').slice(0, 2)).toBe('x\n');
    expect(as(APP, `cat ${array.volume('own')}`).errors).toContain('Permission denied');
    expect(scsi('--host', 'app', '--lun', '1', '--cdb', READ_CAPACITY).status).toBe(0);
  });

  it('refuse a user who is no host, and tell of him once', () => {
    for (const script of ['ls', 'cat 0', 'cat scsi', 'echo x > 0']) {
      const refused = as(STRANGER, `cd ${array.mount}/targets/CL1-A && ${script}`);
      expect(refused.status).not.toBe(0);
      expect(refused.errors).toContain('Permission denied');
    }
    expect(events('UNKNOWN-HOST')).toHaveLength(1);
    expect(events('UNKNOWN-HOST')[0]).toContain(`user ${STRANGER} is no host`);
  });

  it('wake who polls for the answer', () => {
    const program = `import os, select
port = os.open('${array.path('targets', 'CL1-A', 'scsi')}', os.O_RDWR)
poll = select.poll(); poll.register(port, select.POLLIN)
print(len(poll.poll(0)))
os.write(port, bytes(8) + bytes.fromhex('${READ_CAPACITY}') + bytes(6))
print(len(poll.poll(600000)), len(os.read(port, 100)), len(poll.poll(0)))`;
    expect(done('python3', '-c', program)).toBe('0\n1 16 0');
  });
});

describe.skipIf(!canMount)('target ports over fuse-native, which is not told who asks,', () => {
  afterAll(cleanScratch);

  it('let in only who mounted the array, and work for him', async () => {
    const array = MountedArray.create();
    chmodSync(array.directory, 0o755);
    array.ok('create', 'db 1M');
    array.ok('lun', 'db ports=CL1-A lun=0');
    await array.umount();
    array.mountOver('fuse-native', '--allow-other');
    for (const file of ['0', 'scsi']) {
      const refused = as(APP, `cat ${array.mount}/targets/CL1-A/${file}`);
      expect(refused.errors).toContain('Permission denied');
    }
    const words = ['--mount', array.mount, '--port', 'CL1-A', '--cdb', READ_CAPACITY];
    expect(run(ARRAYFS, 'scsi', ...words).out).toContain('size: 1048576 bytes');
    writeFileSync(array.path('targets', 'CL1-A', '0'), Buffer.alloc(MIB, 3));
    expect(readFileSync(array.volume('db')).every((byte) => byte === 3)).toBe(true);
  });
});

describe.skipIf(!canMount)('target ports of an array that is mounted read-only', () => {
  afterAll(cleanScratch);

  it('serve LUNs for reading, and take no commands', async () => {
    const array = MountedArray.create();
    array.ok('create', 'db 1M');
    array.ok('lun', 'db ports=CL1-A lun=0');
    await array.umount();
    array.mountAgain('--read-only');
    const port = array.path('targets', 'CL1-A');
    expect(readFileSync(join(port, '0'))).toHaveLength(MIB);
    expect(codeOf(() => openSync(join(port, '0'), 'r+'))).toBe('EROFS');
    expect(codeOf(() => openSync(join(port, 'scsi'), 'r+'))).toBe('EROFS');
  });
});
