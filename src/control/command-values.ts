/**
 * What each kind of word and option value of the command table allows, by form alone: whether a
 * volume exists is the array's to say. Every problem is EINVAL.
 */
import { ArrayError } from '../base/errors.js';
import { INFO_BYTES, VOLUME_BYTES_MAX } from '../base/limits.js';
import { checkLabel, checkName, printable } from '../base/names.js';
import { parseSize, SECTOR_BYTES } from '../base/sizes.js';
import { ANY_HOST } from '../san/configuration.js';
import { parseDelay, parseFaultRange, parseFaultSense } from '../san/fault-text.js';
import { FAULT_KINDS } from '../san/faults.js';
import { type PortId, parsePorts } from '../san/port-id.js';
import type { CommandOption, OptionKind, WordKind } from './command-row.js';
import { parseTime } from './command-time.js';

const FAULTS: readonly string[] = FAULT_KINDS;
const FAULT_TARGET = 'a target of faults: KIND:NAME, a number or all';

/** Of a list: nothing is in it. */
const NONE = 'none';

const WORD_CHECKS: Readonly<Record<WordKind, (word: string) => void>> = {
  'new-name': checkName,
  size: parseVolumeSize,
  job: parseJobId,
  volume: (word) => checkReference(word, { volume: true, snapshot: false }),
  snapshot: (word) => checkReference(word, { volume: false, snapshot: true }),
  copy: (word) => checkReference(word, { volume: true, snapshot: true }),
  'scrub-subject': (word) => {
    if (word !== 'all') checkReference(word, { volume: true, snapshot: true });
  },
  pair: checkPair,
  'pair-or-now': (word) => {
    if (word !== 'now') checkPair(word);
  },
  secondary: (word) => {
    if (word !== 'auto') checkReference(word, { volume: true, snapshot: false });
  },
  pool: checkName,
  port: (word) => checkForm(word, /^CL\d-[A-Z]$/, 'a port (CL1-A to CL2-D)'),
  controller: (word) => checkForm(word, /^CL\d$/, 'a controller (CL1, CL2)'),
  'port-group': checkName,
  host: checkName,
  device: checkName,
  'fault-target': (word) => {
    if (word !== 'all' && !/^\d{1,9}$/.test(word)) checkForm(word, /^[a-z]+:./, FAULT_TARGET);
  },
  fault: (word) => {
    if (!FAULTS.includes(word)) throw invalid(`a fault is one of ${FAULTS.join(' ')}`);
  },
  'copy-or-medium': (word) => {
    if (word.includes(':')) checkPair(word);
    else checkCopyEnd(word, { volume: true, snapshot: true });
  },
  'volume-or-medium': (word) => checkCopyEnd(word, { volume: true, snapshot: false }),
  directory: (word) => checkPath(word, 'directory'),
  text: () => undefined,
};

const OPTION_CHECKS: Readonly<Record<OptionKind, (value: string, name: string) => void>> = {
  yes: (value, name) => {
    if (value !== 'yes') throw invalid(`${name}= takes only yes, not '${value}'`);
  },
  text: checkLabel,
  size: parseVolumeSize,
  name: checkName,
  pool: checkName,
  volume: (word) => checkReference(word, { volume: true, snapshot: false }),
  // Whether it is past is said when the command runs.
  time: (text) => parseTime(text, 0),
  base64: parseSector,
  sectors: parseSectors,
  number: (text, name) => {
    if (!/^\d{1,9}$/.test(text)) throw invalid(`${name}= takes a number, not '${text}'`);
  },
  path: (text) => checkPath(text, 'path'),
  ports: (text) => {
    if (text !== NONE) for (const port of text.split(',')) WORD_CHECKS.port(port);
  },
  lun: parseLun,
  uids: parseUids,
  'host-or-any': (text) => {
    if (text !== ANY_HOST) checkName(text);
  },
  range: parseFaultRange,
  delay: parseDelay,
  sense: parseFaultSense,
};

export function checkWord(kind: WordKind, word: string): void {
  WORD_CHECKS[kind](word);
}

export function checkOptionValue(option: CommandOption, value: string): void {
  if (option.values !== undefined && !option.values.includes(value)) {
    throw invalid(`${option.name}= is one of ${option.values.join(' ')}, not '${value}'`);
  }
  OPTION_CHECKS[option.kind](value, option.name);
}

/** A size of a volume: a multiple of 512, from 512 to 16 TiB. */
export function parseVolumeSize(text: string): number {
  const bytes = parseSize(text);
  if (bytes % SECTOR_BYTES !== 0 || bytes < SECTOR_BYTES || bytes > VOLUME_BYTES_MAX) {
    throw invalid(`a volume's size is a multiple of 512 from 512 to 16T, not '${text}'`);
  }
  return bytes;
}

/** The 512 bytes of a volume-information sector from base64. */
export function parseSector(text: string): Uint8Array {
  const bytes = parseBase64(text);
  if (bytes.length !== INFO_BYTES) {
    throw invalid(`a sector has ${INFO_BYTES} bytes, not ${bytes.length}`);
  }
  return bytes;
}

/** One or more sectors, one behind the other. */
export function parseSectors(text: string): Uint8Array {
  const bytes = parseBase64(text);
  if (bytes.length === 0 || bytes.length % INFO_BYTES !== 0) {
    throw invalid(`sectors have ${INFO_BYTES} bytes each, not ${bytes.length}`);
  }
  return bytes;
}

function parseBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, '')) {
    throw invalid('the sector is not base64');
  }
  return bytes;
}

/** A job's number. */
export function parseJobId(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw invalid(`not the number of a job: '${text}'`);
  return Number(text);
}

/** Ports separated by commas, or `none`; ENOENT for an unknown one. */
export function parsePortList(text: string): readonly PortId[] {
  return text === NONE ? [] : parsePorts(text);
}

/** Numbers of users separated by commas, or `none`. */
export function parseUids(text: string): readonly number[] {
  if (text === NONE) return [];
  return text.split(',').map((uid) => {
    if (!/^\d{1,10}$/.test(uid)) throw invalid(`'${printable(uid)}' is not the number of a user`);
    return Number(uid);
  });
}

export function parseLun(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw invalid(`'${printable(text)}' is no LUN`);
  return Number(text);
}

function checkForm(text: string, form: RegExp, noun: string): void {
  if (!form.test(text)) throw invalid(`'${printable(text)}' is not ${noun}`);
}

function checkPath(text: string, noun: string): void {
  if (!text.startsWith('/')) throw invalid(`a ${noun} is named from / on, not '${text}'`);
}

/** A reference, or `DEVICE/MEDIUM`. */
function checkCopyEnd(word: string, allowed: { volume: boolean; snapshot: boolean }): void {
  const [device = '', medium, ...others] = word.split('/');
  if (medium === undefined) checkReference(word, allowed);
  else {
    checkName(device);
    if (medium === '' || others.length > 0) throw invalid(`'${word}' is not DEVICE/MEDIUM`);
  }
}

/** `#NUMBER`, `VOLUME` or `VOLUME@SNAPSHOT`. */
function checkReference(word: string, allowed: { volume: boolean; snapshot: boolean }): void {
  if (/^#\d{1,10}$/.test(word)) return;
  const at = word.indexOf('@');
  if (at === -1) {
    if (!allowed.volume) throw invalid(`'${word}' is not a snapshot: write VOLUME@SNAPSHOT`);
    checkName(word);
    return;
  }
  if (!allowed.snapshot) throw invalid(`'${word}' is not the name of a volume`);
  checkName(word.slice(0, at));
  checkName(word.slice(at + 1));
}

/** `PRIMARY:SECONDARY`, each a name or `#NUMBER`; or `#NUMBER` alone. */
function checkPair(word: string): void {
  if (/^#\d{1,10}$/.test(word)) return;
  const sides = word.split(':');
  if (sides.length !== 2) throw invalid(`'${word}' is not a pair: write PRIMARY:SECONDARY`);
  for (const side of sides) checkReference(side, { volume: true, snapshot: false });
}

function invalid(reason: string): ArrayError {
  return new ArrayError('EINVAL', reason);
}
