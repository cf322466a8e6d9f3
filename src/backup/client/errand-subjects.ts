/**
 * What an errand must have for itself while it runs. A snapshot is another thing than its volume: looking into a backup
 * does not wait for the next one.
 */
import type { Clock } from '../../base/clock.js';
import type { BackupEntry } from '../backup-entry.js';
import type { ErrandInput, ErrandKind } from '../errands.js';
import { backupSources, chooseArray } from './backup-sources.js';
import type { KnownArray } from './errand-handler.js';
import type { ErrandSubjects } from './errand-runner.js';

type Arrays = readonly KnownArray[];
type SubjectsOf = {
  readonly [K in ErrandKind]: (
    input: ErrandInput<K>,
    arrays: Arrays,
    clock: Clock,
  ) => readonly string[] | Promise<readonly string[]>;
};

const SUBJECTS: SubjectsOf = {
  paths: () => [],
  destinations: () => [],
  check: () => [],
  rescan: () => [],
  async backup({ definition }, arrays, clock) {
    const { array, members } = await backupSources(definition, arrays, clock);
    const names = [...members.map(({ volume }) => volume.name), ...definition.to];
    return [
      ...names.map((name) => volumeSubject(array.uuid, name)),
      ...definition.secondMedium.map((medium) => mediumSubject(array, medium, arrays)),
    ];
  },
  verify: ({ entry }) => [placeOf(entry)],
  files: ({ entry }) => [placeOf(entry)],
  restoreFiles: ({ entry }) => [placeOf(entry)],
  restore({ entry, target, array }, arrays) {
    const wished = arrays.find(({ uuid, mountPoint }) => uuid === array || mountPoint === array);
    const uuid = wished?.uuid ?? entry.arrayUuid;
    return [placeOf(entry), volumeSubject(uuid, target ?? entry.sourceName)];
  },
  delete: ({ entry }) => [placeOf(entry)],
  tapeCopy: ({ entry, device }, arrays) => [
    placeOf(entry),
    mediumSubject(chooseArray(entry.arrayUuid, arrays), device, arrays),
  ],
  copy: ({ entry, destination }, arrays) => [
    placeOf(entry),
    destination.startsWith('/')
      ? mediumSubject(chooseArray(entry.arrayUuid, arrays), destination, arrays)
      : volumeSubject(entry.arrayUuid, destination),
  ],
};

/** What cannot be found has no subject: the handler says what is wrong with it. */
export function errandSubjects(arrays: () => Promise<Arrays>, clock: Clock): ErrandSubjects {
  return async (kind, input) => {
    try {
      const of = SUBJECTS[kind] as SubjectsOf[ErrandKind];
      // The input of a kind goes to the row of that kind.
      return [...new Set(await of(input as never, await arrays(), clock))];
    } catch {
      return [];
    }
  };
}

function placeOf({ arrayUuid, place }: BackupEntry): string {
  switch (place.kind) {
    case 'snapshot':
      return `${arrayUuid}/${place.volume}@${place.snapshot}`;
    case 'tape':
      return `${arrayUuid}/device/${place.device}`;
    default:
      return volumeSubject(arrayUuid, place.volume);
  }
}

/** A volume of a mounted array by its path, or a device of `array`, with or without a cartridge. */
function mediumSubject(array: KnownArray, medium: string, arrays: Arrays): string {
  for (const { uuid, mountPoint } of arrays) {
    const prefix = `${mountPoint}/volumes/`;
    if (medium.startsWith(prefix)) return volumeSubject(uuid, medium.slice(prefix.length));
  }
  return `${array.uuid}/device/${medium.split('/')[0] ?? ''}`;
}

function volumeSubject(arrayUuid: string, name: string): string {
  return `${arrayUuid}/volume/${name}`;
}
