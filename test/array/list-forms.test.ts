/** Parameter lists in every form of header, to a cartridge and back: the same bytes, whoever made the list. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { deviceWwn } from '../../src/san/port-id.js';
import { MARK, record } from '../device/tap-builder.js';
import { bytesOf } from '../ecopy/worked-examples.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { CONTENT, CopyFixture, isCopied } from './copy-fixture.js';

const KIB = 1024;
/** Sectors from 96 on: four records of 32 KiB. */
const FIRST = 96;
const SECTORS = 256;
const RECORD_BYTES = 32 * KIB;
let fixture: CopyFixture;
let tapes: string;

afterAll(cleanScratch);

beforeEach(async () => {
  fixture = await CopyFixture.openWritten();
  tapes = fixture.addTape();
});

const hasMtdump = spawnSync('mtdump').error === undefined;
/** What `mtdump` of Debian's simh finds on the cartridge. */
function listing(): string {
  const { stdout } = spawnSync('mtdump', [join(tapes, 'AFS001.tap')], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('Obj'))
    .join('\n');
}

const hex = (value: number, bytes: number) => value.toString(16).padStart(bytes * 2, '0');
type Lengths = readonly [targets: number, segments: number];
/** List identifier and flags, then the lengths where each form has them. No inline data. */
const HEADERS: Readonly<Record<string, (lengths: Lengths) => string>> = {
  'SPC-2': ([targets, segments]) => `0101 ${hex(targets, 2)} 00000000 ${hex(segments, 4)} 00000000`,
  'SPC-2 with NRCR': ([targets, segments]) =>
    `0211 ${hex(targets, 2)} 00000000 ${hex(segments, 4)} 00000000`,
  'SPC-3 LID1 without an identifier': ([targets, segments]) =>
    `0018 ${hex(targets, 2)} 00000000 ${hex(segments, 4)} 00000000`,
  Legato: ([targets, segments]) => `0301 ${hex(targets, 2)} 00000000 ${hex(segments, 4)}`,
  'SPC-2 revision 15': ([targets, segments]) =>
    `0401 ${hex(targets, 2)} ${hex(segments, 4)} 00000000`,
};

function listOf(form: string, segments: readonly string[], volume: string): Uint8Array {
  const wwn = deviceWwn(fixture.array.identity.serial, 1);
  const tape = `e0010000 ${'00'.repeat(8)} ${wwn} ${'00'.repeat(8)} 00000000`;
  // Both forms of 12 bytes are told by a first target at byte 12.
  const targets = bytesOf(fixture.descriptor(volume) + tape);
  const body = bytesOf(segments.join(''));
  const header = bytesOf(HEADERS[form]?.([targets.length, body.length]) ?? '');
  return new Uint8Array(Buffer.concat([header, targets, body]));
}

const TO_TAPE = `00000014 0000 0001 00 ${hex(RECORD_BYTES, 3)} 0000 ${hex(SECTORS, 2)} ${hex(FIRST, 8)}`;
const MARKS = '10000008 0000 0001 00 000002';
const FROM_TAPE = `01000014 0001 0000 00 ${hex(RECORD_BYTES, 3)} 0000 ${hex(SECTORS, 2)} ${hex(7, 8)}`;

describe.each(Object.keys(HEADERS))('a list of the form %s', (form) => {
  it('goes to tape and comes back byte for byte, through a target port', async () => {
    expect(await fixture.copy(listOf(form, [TO_TAPE, MARKS], 'db'))).toBe('good');
    const data = CONTENT.subarray(FIRST * 512, (FIRST + SECTORS) * 512);
    const records = [0, 1, 2, 3].map((part) =>
      record(data.subarray(part * RECORD_BYTES, (part + 1) * RECORD_BYTES)),
    );
    const tape = readFileSync(join(tapes, 'AFS001.tap'));
    expect(tape.equals(Buffer.concat([...records, MARK, MARK]))).toBe(true);
    if (hasMtdump)
      expect(listing()).toMatch(
        /^(.*length = 32768.*\n){4}.*end of tape file 1\n.*end of logical tape$/,
      );
    expect(await fixture.copy(listOf(form, [FROM_TAPE], 'far'))).toBe('good');
    const content = await fixture.content('far');
    expect(isCopied(data, [0, data.length], content, 7 * 512)).toBe(true);
    const outside = [content.subarray(0, 7 * 512), content.subarray((7 + SECTORS) * 512)];
    expect(outside.every((part) => part.every((byte) => byte === 0))).toBe(true);
  });

  it('written to ctl/ecopy with more than its header says is refused, unless that is inline data', async () => {
    const longer = Buffer.concat([listOf(form, [TO_TAPE], 'db'), Buffer.of(0)]);
    const start = () => fixture.ecopies.startList(longer, { uid: 0 });
    if (form === 'Legato') expect(start).not.toThrow();
    else expect(start).toThrow(/^EINVAL: the parameter list has \d+ bytes by its header, not /);
    for (const { id } of fixture.array.jobs()) {
      await fixture.drive(fixture.array.jobList.get(id).whenEnded());
    }
  });

  it('written to ctl/ecopy is carried out as well', async () => {
    const job = fixture.ecopies.startList(listOf(form, [TO_TAPE, FROM_TAPE], 'db'), { uid: 0 });
    await fixture.drive(fixture.array.jobList.get(job.id).whenEnded());
    // The tape stands behind the records, where there is nothing to be read.
    expect(fixture.array.job(job.id)).toMatchObject({ state: 'failed' });
    const locate = '12000008 0000 0001 00000000';
    const list = listOf(form, [TO_TAPE, locate, FROM_TAPE], 'db');
    const second = fixture.ecopies.startList(list, { uid: 0, port: 'CL1-A' });
    await fixture.drive(fixture.array.jobList.get(second.id).whenEnded());
    expect(fixture.array.job(second.id)).toMatchObject({
      state: 'done',
      message: 'wrote 256K in 3 segments',
    });
    const content = await fixture.content('db');
    expect(isCopied(CONTENT, [FIRST * 512, SECTORS * 512], content, 7 * 512)).toBe(true);
  });
});
