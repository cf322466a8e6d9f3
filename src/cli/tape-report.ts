/** The results of `arrayfs tape` as text. */
import { isoTime } from '../base/clock.js';
import { printable } from '../base/names.js';
import { formatSize } from '../base/sizes.js';
import { alignedText } from '../control/table-layout.js';
import type { BackupRow, CartridgeRow, Verdict } from './tape.js';

const HEADERS = [
  ...['CARTRIDGE', 'NUMBER', 'NAME', 'SIZE', 'ON-TAPE', 'TAKEN', 'FORM', 'STATE', 'BACKUP'],
  'LABEL',
];
const ALIGN_RIGHT = [false, true, false, true, true];
/** Enough of a UUID to name a backup. */
const SHORT_UUID_CHARACTERS = 8;

/** A line for each backup, and one for a cartridge on which none begins. */
export function listingText(cartridges: readonly CartridgeRow[]): string {
  const lines = cartridges.flatMap((row) => {
    const backups = row.backups.map((backup) => [row.cartridge, ...backupCells(backup)]);
    const rest = remark(row);
    return rest === undefined ? backups : [emptyLine(row.cartridge, rest), ...backups];
  });
  return alignedText([HEADERS, ...lines], ALIGN_RIGHT);
}

/** `AFS001 1 db@monday: whole, 2.1G of content`. */
export function verdictText(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return 'no backup begins here';
  return verdicts
    .map(({ cartridge, number, name, ok, dataBytes, reason }) => {
      const result = ok ? `whole, ${formatSize(dataBytes)} of content` : reason;
      return `${cartridge} ${number} ${name}: ${printable(result)}`;
    })
    .join('\n');
}

function backupCells(row: BackupRow): string[] {
  return [
    `${row.number}`,
    printable(row.name),
    formatSize(row.imageBytes),
    formatSize(row.tapeBytes),
    isoTime(row.takenMs),
    row.base === null ? row.form : printable(`since ${row.base.name}`),
    row.state,
    row.backup.slice(0, SHORT_UUID_CHARACTERS),
    printable(row.label) || '-',
  ];
}

function emptyLine(cartridge: string, state: string): string[] {
  return [cartridge, '-', '-', '-', '-', '-', '-', state, '-', '-'];
}

/** What is on a cartridge besides backups that begin there. */
function remark(row: CartridgeRow): string | undefined {
  if (row.volumeId === null) return 'unreadable';
  if (row.continues !== null) return `part ${row.continues.part} of ${row.continues.file}`;
  if (row.otherFiles > 0) return `${row.otherFiles} other files`;
  return row.backups.length === 0 ? 'empty' : undefined;
}
