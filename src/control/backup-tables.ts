/** status/backups: what is on the cartridges of tape libraries, as the last look at each saw it ([004] fig. 16). */
import type { DiskArray } from '../array/disk-array.js';
import { formatSize } from '../base/sizes.js';
import { hidden, plain, time } from './status-columns.js';
import type { Json, Table } from './table-layout.js';

type Device = ReturnType<DiskArray['san']['devices']>[number];
type Medium = Device['backups'][number];
type Listed = Medium['listing']['backups'][number];

/** A backup that begins on the cartridge; or the cartridge alone, where none does. */
interface BackupRow {
  readonly device: string;
  readonly medium: Medium;
  readonly backup: Listed | undefined;
}

export const BACKUPS: Table<BackupRow> = {
  shape: 'rows',
  columns: [
    plain('DEVICE', 'device', ({ device }) => device),
    plain('MEDIUM', 'medium', ({ medium }) => medium.medium),
    {
      header: 'NUMBER',
      alignRight: true,
      text: ({ backup }) => String(backup?.number ?? '-'),
      json: ({ backup }) => ({ number: backup?.number ?? null }),
    },
    plain('NAME', 'name', ({ backup }) => backup?.manifest.name ?? null),
    {
      header: 'SIZE',
      alignRight: true,
      text: ({ backup }) => (backup ? formatSize(backup.manifest.imageBytes) : '-'),
      json: ({ backup }) => ({ imageBytes: backup?.manifest.imageBytes ?? null }),
    },
    time('TAKEN', 'taken', ({ backup }) => backup?.manifest.takenMs),
    plain('FORM', 'form', ({ backup }) => backup?.manifest.form ?? null),
    plain('STATE', 'state', stateOf),
    plain('BACKUP', 'backup', ({ backup }) => backup?.manifest.backup ?? null),
    plain('LABEL', 'label', ({ backup }) => backup?.manifest.label ?? null),
    time('SEEN', 'seen', ({ medium }) => medium.atMs),
    hidden(({ medium: { listing, problem }, backup }) => ({
      file: backup?.file ?? listing.continues?.file ?? null,
      part: backup === undefined ? (listing.continues?.part ?? null) : 1,
      partState: backup?.state ?? listing.continues?.state ?? null,
      information: backup?.information ?? null,
      manifest: backup === undefined ? null : manifestJson(backup.manifest),
      problems: problem === '' ? listing.problems : [problem],
    })),
  ],
};

function manifestJson({ base, ...manifest }: Listed['manifest']): Json {
  return { ...manifest, base: base === undefined ? null : { ...base } };
}

/** A cartridge that begins with a further part has a row for that, too. */
export function backupRows(san: DiskArray['san']): BackupRow[] {
  return san.devices().flatMap(({ name: device, backups }) =>
    backups.flatMap((medium): BackupRow[] => {
      const { backups: listed, continues } = medium.listing;
      const rows = listed.map((backup) => ({ device, medium, backup }));
      const isRowOfItsOwn = rows.length === 0 || continues !== undefined;
      return isRowOfItsOwn ? [{ device, medium, backup: undefined }, ...rows] : rows;
    }),
  );
}

function stateOf({ medium: { listing, problem }, backup }: BackupRow): string {
  if (backup !== undefined) return backup.state;
  if (problem !== '') return problem;
  const { continues, problems } = listing;
  if (continues !== undefined) return `part ${continues.part} of ${continues.file}`;
  return problems[0] ?? 'empty';
}
