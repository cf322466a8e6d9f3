/** The commands on tape libraries and cartridges, which need no array. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Argument, type Command } from 'commander';
import { isoTime, systemClock } from '../base/clock.js';
import { ArrayError, asArrayError } from '../base/errors.js';
import { printable } from '../base/names.js';
import { formatSize, parseSize } from '../base/sizes.js';
import { completeWith } from './completion-kinds.js';
import { wantsJson } from './global-options.js';
import { EXIT_FAILED, note, print, printJson } from './output.js';
import { ProgressBar } from './progress-bar.js';
import { groupCommand } from './table-commands.js';
import { CartridgeSet, cartridgePaths, eraseCartridge, initLibrary } from './tape.js';
import { listingText, verdictText } from './tape-report.js';

const SLOTS_DEFAULT = 8;
const DRIVES_DEFAULT = 2;
/** A bar is drawn again after so many bytes. */
const BAR_STEP_BYTES = 16 * 2 ** 20;

interface InitOptions {
  readonly capacity: string;
  readonly slots: string;
  readonly prefix: string;
  readonly drives?: string;
}

interface ExtractOptions {
  readonly force?: boolean;
  readonly onto?: boolean;
  readonly info?: string;
}

export function addTapeCommands(program: Command): void {
  const group = groupCommand(program, 'tape');
  addInit(group);
  addList(group);
  addExtract(group);
  addVerify(group);
  addErase(group);
}

function addInit(group: Command): void {
  group
    .command('init')
    .description('make a tape library: a directory with labelled, empty cartridges')
    .addArgument(pathArgument('<DIR>', 'directory of the library', 'directory'))
    .requiredOption('--capacity <size>', 'capacity of each cartridge, such as 10G')
    .option('--slots <number>', 'cartridges', `${SLOTS_DEFAULT}`)
    .option('--prefix <text>', 'barcodes are this and a number, 6 characters', 'AFS')
    .option('--drives <number>', `cartridges in use at one time (default: ${DRIVES_DEFAULT})`)
    .addHelpText(
      'after',
      `
Examples:
  arrayfs tape init /srv/tapes --slots 8 --prefix AFS --capacity 10G   AFS001 to AFS008`,
    )
    .action((given: string, options: InitOptions, command: Command) => {
      const slots = wholeNumber(options.slots, '--slots');
      const drives = wholeNumber(
        options.drives ?? `${Math.min(DRIVES_DEFAULT, slots)}`,
        '--drives',
      );
      const cartridgeBytes = parseSize(options.capacity);
      const directory = resolve(given);
      const library = { slots, drives, cartridgeBytes, prefix: options.prefix };
      const made = initLibrary(directory, library);
      if (wantsJson(command)) printJson({ directory, ...library, made });
      else print(`made ${made.length} cartridges of ${formatSize(cartridgeBytes)} in ${directory}`);
    });
}

function addList(group: Command): void {
  group
    .command('list')
    .description('list the backups on cartridges, from the .tap files alone')
    .addArgument(pathArgument('<CARTRIDGE...>', '.tap files, or directories of them', 'file'))
    .addHelpText(
      'after',
      `
Exit status: 0, or 1 where a cartridge is not readable in all its parts.

Examples:
  arrayfs tape list /srv/tapes/AFS001.tap   one cartridge
  arrayfs tape list /srv/tapes              all of a library`,
    )
    .action((words: string[], _options: unknown, command: Command) => {
      const rows = withCartridges(words, (cartridges) => cartridges.list());
      if (wantsJson(command)) printJson(rows);
      else print(listingText(rows));
      for (const { cartridge, volumeId, problems } of rows) {
        if (volumeId !== null && volumeId !== cartridge) {
          note(`${cartridge}: has the label of ${printable(volumeId)}`);
        }
        for (const problem of problems) note(`${cartridge}: ${problem}`);
        if (problems.length > 0) process.exitCode = EXIT_FAILED;
      }
    });
}

function addExtract(group: Command): void {
  group
    .command('extract')
    .description('write a backup from cartridges into a file; every checksum is verified')
    .usage('[options] <CARTRIDGE...> <BACKUP> <FILE>')
    .addArgument(pathArgument('<words...>', 'cartridges or directories, backup, file', 'file'))
    .option('--force', 'overwrite a file that exists')
    .option(
      '--onto',
      'the file has what the backup is based on: what has changed since goes into it',
    )
    .option('--info <file>', 'also write the 512 bytes of volume information into this file')
    .addHelpText(
      'after',
      `
BACKUP is a number that list shows, a name (then the newest of it), or the beginning of a UUID.

Examples:
  arrayfs tape extract /srv/tapes/AFS001.tap db@monday db.img
  arrayfs tape extract AFS001.tap AFS002.tap 1 db.img    a backup on two cartridges
  arrayfs tape extract /srv/tapes db@tuesday db.img --onto   changes since db@monday, which db.img is`,
    )
    .action((words: string[], options: ExtractOptions, command: Command) => {
      const [reference, file] = words.slice(-2);
      if (words.length < 3 || reference === undefined || file === undefined) {
        throw new ArrayError('EINVAL', 'say which: arrayfs tape extract CARTRIDGE... BACKUP FILE');
      }
      extract(words.slice(0, -2), reference, file, options, wantsJson(command));
    });
}

function addVerify(group: Command): void {
  group
    .command('verify')
    .description('read every backup that begins on the cartridges and check every checksum')
    .addArgument(pathArgument('<CARTRIDGE...>', '.tap files, or directories of them', 'file'))
    .addHelpText(
      'after',
      `
Exit status: 0 all are whole, 1 one is not.

Examples:
  arrayfs tape verify /srv/tapes`,
    )
    .action((words: string[], _options: unknown, command: Command) => {
      const verdicts = withBar('verify', (draw) =>
        withCartridges(words, (cartridges) => cartridges.verify(draw)),
      );
      if (wantsJson(command)) printJson(verdicts);
      else print(verdictText(verdicts));
      if (verdicts.some((verdict) => !verdict.ok)) process.exitCode = EXIT_FAILED;
    });
}

function addErase(group: Command): void {
  group
    .command('erase')
    .description('make cartridges empty again; everything on them is gone')
    .addArgument(pathArgument('<CARTRIDGE...>', '.tap files', 'file'))
    .addHelpText(
      'after',
      `
Examples:
  arrayfs tape erase /srv/tapes/AFS001.tap   its barcode stays`,
    )
    .action((paths: string[], _options: unknown, command: Command) => {
      const erased = paths.map((path) => eraseCartridge(resolve(path)));
      if (wantsJson(command)) printJson({ ok: true, erased });
      else print(`erased ${erased.join(' ')}`);
    });
}

function extract(
  words: readonly string[],
  reference: string,
  file: string,
  options: ExtractOptions,
  json: boolean,
): void {
  const replace = options.force === true;
  const onto = options.onto === true;
  const { backup, dataBytes, information } = withBar('extract', (draw) =>
    withCartridges(words, (cartridges) =>
      cartridges.extract(reference, file, { replace, onto, onProgress: (done) => draw(done, 0) }),
    ),
  );
  if (options.info !== undefined) writeInformation(options.info, information);
  if (json) printJson({ ok: true, file, dataBytes, ...backup });
  else {
    const sizes = `${formatSize(backup.imageBytes)}, ${formatSize(dataBytes)} of content`;
    print(`extracted ${backup.name} of ${isoTime(backup.takenMs)} (${sizes}) to ${file}`);
  }
}

function writeInformation(file: string, information: Uint8Array | undefined): void {
  if (information === undefined) {
    throw new ArrayError('ENOENT', 'the backup was made without volume information');
  }
  try {
    writeFileSync(file, information);
  } catch (error) {
    throw asArrayError(error);
  }
}

function withCartridges<T>(words: readonly string[], action: (cartridges: CartridgeSet) => T): T {
  const cartridges = new CartridgeSet(cartridgePaths(words));
  try {
    return action(cartridges);
  } finally {
    cartridges.close();
  }
}

function withBar<T>(label: string, action: (draw: (done: number, total: number) => void) => T): T {
  const bar = new ProgressBar(label, systemClock);
  let drawn = 0;
  try {
    return action((done, total) => {
      if (Math.abs(done - drawn) < BAR_STEP_BYTES) return;
      drawn = done;
      bar.update({ done, total, unit: 'bytes' });
    });
  } finally {
    bar.end();
  }
}

function pathArgument(name: string, help: string, kind: 'file' | 'directory'): Argument {
  const argument = new Argument(name, help);
  completeWith(argument, kind);
  return argument;
}

function wholeNumber(text: string, option: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new ArrayError('EINVAL', `${option} takes a number, not '${text}'`);
}
