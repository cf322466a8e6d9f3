/** Hosts and backups at one time on a mounted array: one port for both, and a tape that stands still. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canMount, MIB, MountedArray } from '../../support/mounted-array.js';
import { ARRAYFS, done, until } from '../../support/programs.js';
import { RandomSource } from '../../support/random-source.js';
import { cleanScratch } from '../../support/scratch-directory.js';

interface PortRow {
  readonly port: string;
  readonly tasks: readonly { readonly kind: string; readonly peer: string }[];
}
interface JobRow {
  readonly id: number;
  readonly state: string;
  readonly message: string;
}

const IMAGE_BYTES = 6 * MIB;
const POLICIES = ['merge', 'wait', 'copy-first'];

describe.skipIf(!canMount)('backups beside hosts', () => {
  let array: MountedArray;
  let tapes: string;
  const image = Buffer.from(new RandomSource(3).bytes(MIB));

  beforeAll(() => {
    array = MountedArray.create({ mountWords: ['--allow-faults'] });
    tapes = join(array.directory, 'tapes');
    array.ok('create', `db ${IMAGE_BYTES}`);
    for (let at = 0; at < IMAGE_BYTES; at += MIB) write(array.volume('db'), at, image);
    array.ok('port', 'CL1-A role=both');
    array.ok('lun', 'db ports=CL1-A lun=0');
    array.ok('device', `tape0 kind=tape path=${tapes} slots=4 ports=CL1-A,CL1-C,CL2-C`);
    array.ok('portgroup', 'g1 targets=CL1-A initiators=CL1-A');
  });
  afterAll(cleanScratch);

  const start = (line: string) => Number(/^ok job (\d+) /.exec(array.ok('ecopy', line))?.[1]);
  const job = (id: number) => array.table<JobRow>('jobs').find((row) => row.id === id);
  const ended = async (id: number) => {
    await until(() => job(id)?.state !== 'running');
    return `${job(id)?.state} ${job(id)?.message}`;
  };
  /** The newest backup on the cartridge, as programs read it without the array. */
  const onTape = (cartridge: string) => {
    const file = join(array.directory, `${cartridge}.img`);
    done(ARRAYFS, 'tape', 'extract', join(tapes, `${cartridge}.tap`), '1', file);
    return readFileSync(file);
  };

  const writeAll = (fill: number) => {
    for (const name of ['db', 'copy']) {
      for (let at = 0; at < IMAGE_BYTES; at += MIB) {
        write(array.volume(name), at, Buffer.alloc(MIB, fill));
      }
    }
  };

  it('go through one port in turns, both with the right bytes ([002] figs. 4, 12 to 14)', async () => {
    const before = readFileSync(array.volume('db'));
    // Some of the chunks wait, so that the backup is there all the time.
    array.ok('fault', 'device:tape0 delay delay=500');
    const id = start('db tape0/AFS001 group=g1');
    const lun = array.path('targets', 'CL1-A', '0');
    const tasks = () =>
      array
        .table<PortRow>('ports')
        .find(({ port }) => port === 'CL1-A')
        ?.tasks.map(({ kind, peer }) => `${kind} ${peer}`)
        .sort();
    const file = openSync(lun, 'r+');
    try {
      const random = new RandomSource(4);
      await until(() => tasks()?.length === 2 || job(id)?.state !== 'running');
      expect([tasks(), job(id)?.state]).toEqual([['initiator tape0', 'target local'], 'running']);
      for (let round = 0; round < 100; round += 1) {
        const at = random.integer(0, IMAGE_BYTES / 4096 - 1) * 4096;
        const data = random.bytes(4096);
        writeSync(file, data, 0, data.length, at);
        const back = Buffer.alloc(4096);
        readSync(file, back, 0, back.length, at);
        expect(back.equals(data)).toBe(true);
      }
    } finally {
      closeSync(file);
    }
    array.ok('fault', 'device:tape0 clear=yes');
    expect(await ended(id)).toBe('done 6M on tape0/AFS001');
    expect(array.read('jobs', `${id}`)).toContain('port CL1-A');
    expect(onTape('AFS001').equals(before)).toBe(true);
  });

  it('hold up no host when the tape hangs, and later writes do not reach it, whatever the policy', async () => {
    array.ok('create', `copy ${IMAGE_BYTES}`);
    array.ok('paircreate', 'db copy pace=fast');
    const pair = () => array.table<{ state: string }>('pairs')[0]?.state;
    await until(() => pair() === 'duplex');
    for (const [index, policy] of POLICIES.entries()) {
      const cartridge = `AFS00${index + 2}`;
      const expected = readFileSync(array.volume('db'));
      // Not in the search, which has other ports and its own limit.
      array.ok('fault', 'device:tape0 hang range=0-6M');
      const id = start(`db:copy tape0/${cartridge} split=yes policy=${policy}`);
      // Each of these returns while nothing goes to the tape: before the backup meets the fault, and while it hangs there.
      writeAll(index + 1);
      await until(
        () => (array.table<{ hits: number }>('faults')[0]?.hits ?? 0) > 0,
        () => job(id)?.state !== 'running',
      );
      writeAll(index + 11);
      expect(job(id)?.state).toBe('running');
      array.ok('fault', 'device:tape0 clear=yes');
      expect(await ended(id)).toBe(`done 6M on tape0/${cartridge}`);
      expect(onTape(cartridge).equals(expected)).toBe(true);
      await until(() => pair() === 'split');
      write(array.volume('db'), 0, image);
      array.ok('resync', 'db:copy');
      await until(() => pair() === 'duplex');
    }
  });

  it.skipIf(spawnSync('mtdump').error !== undefined)(
    'leave cartridges that mtdump reads to their last mark',
    () => {
      const cartridges = readdirSync(tapes).filter(
        (name) => name.endsWith('.tap') && !name.startsWith('.'),
      );
      expect(cartridges).toHaveLength(4);
      for (const name of cartridges) {
        const lines = done('mtdump', join(tapes, name)).trim().split('\n');
        expect(lines.at(-1)).toMatch(/end of logical tape/);
        expect(lines.filter((line) => /record \d+, length = 80\b/.test(line))).toHaveLength(9);
      }
    },
  );
});

function write(path: string, at: number, data: Uint8Array): void {
  const file = openSync(path, 'r+');
  try {
    expect(writeSync(file, data, 0, data.length, at)).toBe(data.length);
  } finally {
    closeSync(file);
  }
}
