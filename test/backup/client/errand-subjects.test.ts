/** What errands must have for themselves: who waits for whom. */
import { describe, expect, it } from 'vitest';
import type { BackupEntry } from '../../../src/backup/backup-entry.js';
import { errandSubjects } from '../../../src/backup/client/errand-subjects.js';
import type { ErrandKind } from '../../../src/backup/errands.js';
import { systemClock } from '../../../src/base/clock.js';
import { EXAMPLE_ENTRY } from '../example-entry.js';
import { FakeArray } from '../fake-array.js';

const UUID = EXAMPLE_ENTRY.arrayUuid;
const array = new FakeArray(UUID);
for (const name of ['db', 'log', 'copy']) array.add(name);
array.write();
const subjectsOf = errandSubjects(async () => [array.known], systemClock);

const onSnapshot: BackupEntry = {
  ...EXAMPLE_ENTRY,
  place: { kind: 'snapshot', volume: 'db', snapshot: 's' },
};
const onMirror: BackupEntry = { ...EXAMPLE_ENTRY, place: { kind: 'mirror', volume: 'copy' } };
const onTape: BackupEntry = {
  ...EXAMPLE_ENTRY,
  place: { kind: 'tape', device: 'tape0', cartridges: ['A'], since: null },
};
const definition = {
  paths: null,
  volumes: ['db'],
  array: null,
  to: ['copy'],
  secondMedium: ['tape0/A'],
};
const path = `${array.mountPoint}/volumes/log`;

describe('the subjects of errands', () => {
  it.each<[string, ErrandKind, object, readonly string[]]>([
    ['a table', 'paths', {}, []],
    ['a backup', 'backup', { definition }, ['volume/db', 'volume/copy', 'device/tape0']],
    [
      'a backup of what is not there',
      'backup',
      { definition: { ...definition, volumes: ['x'] } },
      [],
    ],
    ['a look into a snapshot', 'files', { entry: onSnapshot }, ['db@s']],
    ['the deletion of a mirror', 'delete', { entry: onMirror }, ['volume/copy']],
    ['a verification of a tape', 'verify', { entry: onTape }, ['device/tape0']],
    [
      'a restore',
      'restore',
      { entry: onSnapshot, target: null, array: null },
      ['db@s', 'volume/db'],
    ],
    [
      'a restore elsewhere',
      'restore',
      { entry: onMirror, target: 'log', array: UUID },
      ['volume/copy', 'volume/log'],
    ],
    [
      'a copy to tape',
      'tapeCopy',
      { entry: onSnapshot, device: 'tape0/A' },
      ['db@s', 'device/tape0'],
    ],
    [
      'a copy to a volume by its path',
      'copy',
      { entry: onMirror, destination: path },
      ['volume/copy', 'volume/log'],
    ],
    [
      'a copy to a volume by its name',
      'copy',
      { entry: onMirror, destination: 'log' },
      ['volume/copy', 'volume/log'],
    ],
  ])('of %s', async (_what, kind, input, expected) => {
    const subjects = await subjectsOf(kind, input);
    expect(subjects).toEqual(expected.map((subject) => `${UUID}/${subject}`));
  });
});
