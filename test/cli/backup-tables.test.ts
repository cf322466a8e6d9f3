/** The tables of the backup manager, character by character. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { definitionSchema } from '../../src/backup/definition.js';
import {
  clientsText,
  definitionFields,
  definitionsText,
  destinationsText,
  entriesText,
  entryFields,
  filesText,
  pathsText,
  runsText,
} from '../../src/cli/backup-tables.js';
import { fieldLines } from '../../src/cli/output.js';
import { EXAMPLE_ENTRY } from '../backup/example-entry.js';
import { setTimeZone } from './fake-backup-server.js';

const UUID = EXAMPLE_ENTRY.arrayUuid;
let restoreZone = () => {};

beforeAll(() => {
  restoreZone = setTimeZone('Europe/Berlin');
});

afterAll(() => restoreZone());

const linesOf = (text: string) => text.trimEnd().split('\n');

describe('tables', () => {
  it('of backups', () => {
    const tape = {
      ...EXAMPLE_ENTRY,
      ...{ id: '13.2', state: 'missing' as const, label: '' },
      place: {
        ...{ kind: 'tape' as const, device: 'tape0' },
        ...{ cartridges: ['AFS001', 'AFS002'], since: null },
      },
    };
    const places = new Map([[UUID, '/mnt/array']]);
    const onOther = { ...tape, arrayUuid: EXAMPLE_ENTRY.sourceUuid };
    expect(linesOf(entriesText([EXAMPLE_ENTRY, onOther], places))).toEqual([
      'ID    TAKEN                      DEFINITION  GEN  SOURCE  KIND      PLACE                ARRAY       SIZE  STATE    LABEL',
      '12    2026-11-24T03:30:00+01:00  nightly       4  db      snapshot  db@nightly-12        /mnt/array   10G  good     orders',
      '13.2  2026-11-24T03:30:00+01:00  nightly       4  db      tape      tape0/AFS001,AFS002  10112233     10G  missing  -',
    ]);
  });

  it('of one backup', () => {
    const damaged = { ...EXAMPLE_ENTRY, state: 'damaged' as const, stateReason: 'bad\nsum' };
    const lines = linesOf(fieldLines(entryFields(damaged, new Map([[UUID, '/mnt/array']]))));
    expect(lines).toContain('state:       damaged: bad\\x0asum');
    expect(lines).toContain('place:       db@nightly-12');
    expect(lines).toContain(`array:       ${UUID} /mnt/array`);
    expect(lines).toContain('copy of:     -');
    expect(lines).toContain('taken:       2026-11-24T03:30:00+01:00');
  });

  it('of runs', () => {
    const run = {
      ...{ number: 12, definition: 'nightly', client: 'alpha', errand: 1, log: [] },
      ...{ scheduledMs: 0, startedMs: 1_795_487_400_000, endedMs: 1_795_487_490_000 },
    };
    const rows = [
      { ...run, state: 'complete' as const, entries: ['12.1', '12.2'], reason: '' },
      { ...run, state: 'waiting' as const, startedMs: 0, endedMs: 0, entries: [], reason: '' },
      { ...run, state: 'failed' as const, entries: [], reason: 'tape0 is full' },
    ];
    expect(linesOf(runsText(rows))).toEqual([
      'RUN  DEFINITION  CLIENT  STATE     SCHEDULED  STARTED                    TOOK  BACKUPS    REASON',
      ' 12  nightly     alpha   complete  -          2026-11-24T03:30:00+01:00  1:30  12.1 12.2  -',
      ' 12  nightly     alpha   waiting   -          -                             -  -          -',
      ' 12  nightly     alpha   failed    -          2026-11-24T03:30:00+01:00  1:30  -          tape0 is full',
    ]);
  });

  it('of definitions', () => {
    const definition = definitionSchema.parse({
      ...{ name: 'nightly', client: 'alpha', paths: ['/srv/db'], volumes: null, array: null },
      ...{ method: 'snapshot', to: [], secondMedium: ['tape0'], class: 'disk', policy: 'merge' },
      ...{ incremental: false, pre: { command: 'true' }, post: null, freeze: true },
      ...{ resyncAfter: false, sha256: false, label: 'orders db', keep: { daily: 7, weekly: 4 } },
      schedule: { cron: '30 2 * * *', timeZone: 'UTC' },
    });
    const row = { definition, nextMs: 1_795_487_400_000, lastRun: 12, missed: 0 };
    expect(linesOf(definitionsText([row]))).toEqual([
      'NAME     CLIENT  SOURCE   METHOD    THEN   SCHEDULE        NEXT                       MISSED  LAST RUN  KEEP              LABEL',
      'nightly  alpha   /srv/db  snapshot  tape0  30 2 * * * UTC  2026-11-24T03:30:00+01:00       -        12  daily=7,weekly=4  orders db',
    ]);
    const lines = linesOf(fieldLines(definitionFields(row)));
    expect(lines).toContain('pre:           true (at most 10:00)');
    expect(lines).toContain('freeze:        yes');
  });

  it('of clients, paths and destinations', () => {
    const client = {
      ...{ name: 'alpha', seenMs: 0, isConnected: false, version: '0.1.0', hostName: 'a' },
      arrays: [{ uuid: UUID, mountPoint: '/mnt/array' }],
    };
    expect(linesOf(clientsText([client]))).toEqual([
      'NAME   CONNECTED  SEEN  HOST  VERSION  ARRAYS',
      'alpha  no         -     a     0.1.0    /mnt/array',
    ]);
    const path = {
      ...{ mountPoint: '/srv/db', deviceFile: '/dev/loop0', fileSystem: 'ext4' },
      ...{ arrayUuid: UUID, arrayMountPoint: '/mnt/array', volume: 'db', volumeNumber: 3 },
    };
    expect(
      linesOf(
        pathsText([
          { ...path, port: 'CL1-A', lun: 0 },
          { ...path, port: '', lun: null },
        ]),
      ),
    ).toEqual([
      'MOUNT POINT  DEVICE      TYPE  ARRAY       PORT   LUN  NUMBER  VOLUME',
      '/srv/db      /dev/loop0  ext4  /mnt/array  CL1-A    0       3  db',
      '/srv/db      /dev/loop0  ext4  /mnt/array  -        -       3  db',
    ]);
    const destination = {
      ...{ hostName: 'a', mountPoint: '/srv/db', arrayUuid: UUID, volume: 'db' },
      ...{ destination: 'db-copy', destinationNumber: 9, use: 'free' as const },
    };
    expect(linesOf(destinationsText([destination]))).toEqual([
      'HOST  MOUNT POINT  VOLUME  NUMBER  DESTINATION  USE   ARRAY',
      `a     /srv/db      db           9  db-copy      free  ${UUID}`,
    ]);
  });

  it('of files, like ls -l', () => {
    const row = { owner: 0, group: 1000, modifiedMs: 1_795_487_400_000.7, target: null };
    const rows = [
      { ...row, name: 'bin', type: 'directory' as const, sizeBytes: 4096, mode: 0o1777 },
      { ...row, name: 'a\nb', type: 'file' as const, sizeBytes: 5, mode: 0o4755 },
      { ...row, name: 'c', type: 'file' as const, sizeBytes: 5 * 2 ** 20, mode: 0o2640 },
      { ...row, name: 'l', type: 'link' as const, sizeBytes: 3, mode: 0o777, target: '/bin' },
    ];
    expect(linesOf(filesText(rows))).toEqual([
      'drwxrwxrwt  0  1000  4K  2026-11-24T03:30:00+01:00  bin',
      '-rwsr-xr-x  0  1000   5  2026-11-24T03:30:00+01:00  a\\x0ab',
      '-rw-r-S---  0  1000  5M  2026-11-24T03:30:00+01:00  c',
      'lrwxrwxrwx  0  1000   3  2026-11-24T03:30:00+01:00  l -> /bin',
    ]);
  });
});
