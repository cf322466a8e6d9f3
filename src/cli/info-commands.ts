/** The commands on volume-information sectors: show (decoded), store (from a file), clear. */
import { readFile } from 'node:fs/promises';
import { Argument, type Command } from 'commander';
import { isoTime } from '../base/clock.js';
import { ArrayError, asArrayError } from '../base/errors.js';
import { INFO_BYTES } from '../base/limits.js';
import { decodeVolumeInfo, isVolumeInfo } from '../volume/volume-info.js';
import { completeWith } from './completion-kinds.js';
import { clientFor, wantsJson } from './global-options.js';
import { namedReference } from './list-commands.js';
import { fieldLines, print, printJson } from './output.js';
import { groupCommand } from './table-commands.js';

const BYTES_PER_LINE = 16;

export function addInfoCommands(program: Command): void {
  const group = groupCommand(program, 'info');
  group
    .command('show')
    .description('show the sector decoded, or as hexadecimal where it has another layout')
    .addArgument(copyArgument())
    .action(async (copy: string, _options: unknown, command: Command) => {
      const client = clientFor(command);
      const sector = await client.readInfo(await namedReference(client, copy));
      if (wantsJson(command)) printJson(sector ? sectorJson(sector) : null);
      else print(sector ? sectorText(sector) : 'none stored');
    });
  group
    .command('store')
    .description('store the 512 bytes of a file as the sector')
    .addArgument(copyArgument())
    .addArgument(new Argument('<FILE>', `a file of exactly ${INFO_BYTES} bytes, or - for stdin`))
    .addHelpText(
      'after',
      `
Examples:
  arrayfs info store db@monday sector.bin   durable when it returns`,
    )
    .action(async (copy: string, file: string, _options: unknown, command: Command) => {
      const sector = await sectorFile(file);
      await setInfo(command, copy, { set: sector.toString('base64') });
    });
  group
    .command('clear')
    .description('remove the sector')
    .addArgument(copyArgument())
    .action(async (copy: string, _options: unknown, command: Command) => {
      await setInfo(command, copy, { clear: 'yes' });
    });
}

function copyArgument(): Argument {
  const argument = new Argument('<COPY>', 'VOLUME, VOLUME@SNAPSHOT or #NUMBER');
  completeWith(argument, 'copy');
  return argument;
}

async function setInfo(
  command: Command,
  copy: string,
  options: Readonly<Record<string, string>>,
): Promise<void> {
  const result = await clientFor(command).run({ name: 'info', words: [copy], options });
  if (wantsJson(command)) printJson({ ok: true, command: 'info', result });
  else print(result);
}

async function sectorFile(file: string): Promise<Buffer> {
  const sector = await readFile(file === '-' ? '/dev/stdin' : file).catch((error: unknown) => {
    throw new ArrayError(asArrayError(error).code, `cannot read ${file}`);
  });
  if (sector.length !== INFO_BYTES) {
    throw new ArrayError('EINVAL', `${file} has ${sector.length} bytes, a sector ${INFO_BYTES}`);
  }
  return sector;
}

/** The fields of the backup programs' layout; any other sector as its bytes. */
export function sectorJson(sector: Uint8Array): Readonly<Record<string, unknown>> {
  if (!isVolumeInfo(sector)) return { format: 'other', hex: Buffer.from(sector).toString('hex') };
  const info = decodeVolumeInfo(sector);
  const sha256 = info.imageSha256 && Buffer.from(info.imageSha256).toString('hex');
  return { format: 'AFSVINF1', ...info, imageSha256: sha256 ?? null };
}

export function sectorText(sector: Uint8Array): string {
  if (!isVolumeInfo(sector)) return hexLines(sector);
  const fields = Object.entries(sectorJson(sector)).map(([name, value]) => [
    name.replace(/Ms$/, ''),
    name.endsWith('Ms') && typeof value === 'number' ? timeText(value) : value,
  ]);
  return fieldLines(Object.fromEntries(fields));
}

function timeText(ms: number): string {
  return ms === 0 ? '-' : isoTime(ms);
}

function hexLines(sector: Uint8Array): string {
  const lines: string[] = [];
  for (let offset = 0; offset < sector.length; offset += BYTES_PER_LINE) {
    const bytes = [...sector.subarray(offset, offset + BYTES_PER_LINE)];
    const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = bytes.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '.'));
    lines.push(`${offset.toString(16).padStart(4, '0')}  ${hex}  ${text.join('')}`);
  }
  return lines.join('\n');
}
