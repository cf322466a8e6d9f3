/** `arrayfs scsi`: any SCSI command to a target port, its answer in words. */
import { readFile, writeFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { ArrayError, asArrayError } from '../base/errors.js';
import type { ArrayClient } from '../client/array-client.js';
import { completeWith } from './completion-kinds.js';
import { clientFor, wantsJson } from './global-options.js';
import { EXIT_FAILED, print, printJson } from './output.js';
import { answerText, decodeAnswer, encodeCommand } from './scsi.js';

interface ScsiOptions {
  readonly port: string;
  readonly lun: string;
  readonly cdb: string;
  readonly data?: string;
  readonly output?: string;
  readonly host?: string;
  readonly hex?: boolean;
}

export function addScsiCommand(program: Command): void {
  program
    .command('scsi')
    .description('send a SCSI command to a target port and show its answer')
    .addOption(portOption())
    .requiredOption('--cdb <bytes>', 'the command, in hex')
    .option('--lun <lun>', 'logical unit: a number, or an address of 16 hex digits', '0')
    .addOption(fileOption('--data <file>', 'what goes with the command, such as a parameter list'))
    .addOption(fileOption('--output <file>', 'where the data of the answer goes'))
    .addOption(hostOption())
    .option('--hex', 'show the bytes of the answer, too')
    .addHelpText(
      'after',
      `
Exit status: 0 where the command ended with GOOD, else 1.

Examples:
  arrayfs scsi --port CL1-A --cdb 'a0 00 00 00 00 00 00 00 01 00 00 00'   REPORT LUNS
  arrayfs scsi --port CL1-A --lun 3 --cdb '12 01 83 01 00 00' --hex       INQUIRY, page 83h
  arrayfs scsi --port CL1-A --cdb '84 00 22 00 00 00 00 00 00 00 00 00 01 00 00 00'   status of list 34`,
    )
    .action(async (options: ScsiOptions, command: Command) => {
      await sendCommand(clientFor(command), options, wantsJson(command));
    });
}

function portOption(): Option {
  const option = new Option('--port <port>', 'target port, CL1-A to CL2-D').makeOptionMandatory();
  completeWith(option, 'port');
  return option;
}

function hostOption(): Option {
  const option = new Option('--host <name>', 'as this host, by the first of its users (root only)');
  completeWith(option, 'host');
  return option;
}

function fileOption(flags: string, description: string): Option {
  const option = new Option(flags, description);
  completeWith(option, 'file');
  return option;
}

async function sendCommand(
  client: ArrayClient,
  options: ScsiOptions,
  json: boolean,
): Promise<void> {
  const { port, lun, data, output, host } = options;
  const dataOut = data === undefined ? new Uint8Array() : await contentOf(data);
  const { cdb, bytes } = encodeCommand({ cdb: options.cdb, lun, dataOut });
  const send = () => client.sendScsi(port, bytes);
  const sent = host === undefined ? await send() : await asUser(await userOf(client, host), send);
  const { isGood, ...answer } = decodeAnswer(sent);
  if (output !== undefined) await store(output, answer.dataIn);
  if (json) {
    const { status, sense, dataIn } = answer;
    const text = answerText(cdb, answer, false);
    printJson({ ok: isGood, status, sense: hexOf(sense), dataIn: hexOf(dataIn), text });
  } else {
    print(answerText(cdb, answer, options.hex === true));
  }
  if (!isGood) process.exitCode = EXIT_FAILED;
}

/** The array knows hosts by their users. */
async function userOf(client: ArrayClient, name: string): Promise<number> {
  const hosts = (await client.statusJson('hosts')) as { name: string; uids: number[] }[];
  const host = hosts.find((candidate) => candidate.name === name);
  if (host === undefined) throw new ArrayError('ENOENT', `there is no host ${name}`);
  const [uid] = host.uids;
  if (uid === undefined) throw new ArrayError('EINVAL', `host ${name} has no users`);
  return uid;
}

async function asUser<T>(uid: number, work: () => Promise<T>): Promise<T> {
  const own = process.geteuid?.() ?? uid;
  try {
    process.seteuid?.(uid);
  } catch {
    throw new ArrayError('EPERM', `only root may be user ${uid}`);
  }
  try {
    return await work();
  } finally {
    process.seteuid?.(own);
  }
}

async function contentOf(file: string): Promise<Uint8Array> {
  return readFile(file === '-' ? '/dev/stdin' : file).catch((error: unknown) => {
    throw new ArrayError(asArrayError(error).code, `cannot read ${file}`);
  });
}

async function store(file: string, data: Uint8Array): Promise<void> {
  await writeFile(file, data).catch((error: unknown) => {
    throw new ArrayError(asArrayError(error).code, `cannot write ${file}`);
  });
}

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
