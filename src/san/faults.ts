/**
 * Faults that a user sets to see how others bear them: a kind at a target, for a number of times or until cleared, within
 * a range of bytes or everywhere. This is the list alone; who carries out a request asks `hits`, and does what they say.
 */
import { ArrayError } from '../base/errors.js';
import { FAULTS_MAX } from '../base/limits.js';
import { checkName, printable } from '../base/names.js';
import { parseController, parsePort } from './port-id.js';

export const FAULT_KINDS = ['EIO', 'delay', 'hang', 'sense', 'damaged', 'killed', 'down'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

const TARGET_KINDS = {
  /** What can happen to each. */
  volume: ['EIO', 'delay', 'hang', 'damaged'],
  pool: ['EIO', 'delay', 'hang', 'damaged'],
  port: ['EIO', 'delay', 'hang', 'down'],
  controller: ['delay', 'hang', 'killed', 'down'],
  microprocessor: ['delay', 'hang', 'killed', 'down'],
  device: ['EIO', 'delay', 'hang', 'sense', 'damaged', 'down'],
} as const satisfies Record<string, readonly FaultKind[]>;
export type FaultTargetKind = keyof typeof TARGET_KINDS;

/** Why the others do not have it; nothing is refused a `delay` or a `hang`. */
const REFUSALS: Readonly<Record<Exclude<FaultKind, 'delay' | 'hang'>, string>> = {
  EIO: 'it is an answer of a volume, pool, port or device',
  sense: 'only devices answer with sense data',
  damaged: 'only volumes, pools and devices have blocks',
  killed: 'only microprocessors are killed, one of them or all of a controller',
  down: 'volumes and pools are neither up nor down; EIO fails all of them',
};

export interface FaultTarget {
  readonly kind: FaultTargetKind;
  readonly name: string;
}

/** Sense data that a device answers with. */
export interface FaultSense {
  readonly key: number;
  readonly asc: number;
  readonly ascq: number;
}

/** Bytes from `start` to before `end`. */
export interface FaultRange {
  readonly start: number;
  readonly end: number;
}

export interface FaultSetting {
  readonly target: FaultTarget;
  readonly kind: FaultKind;
  /** Times it happens; undefined: until it is cleared. A `hang` stays at 0 until then: it still holds what it met. */
  readonly count?: number;
  /** Undefined: everywhere. */
  readonly range?: FaultRange;
  /** With `delay`. */
  readonly delayMs?: number;
  /** With `sense`. */
  readonly sense?: FaultSense;
}

export interface Fault extends FaultSetting {
  /** By which it is cleared; never used twice. */
  readonly number: number;
  /** How often it happened. */
  readonly hits: number;
}

/** `volume:db`, `port:CL1-A`, ... ENOENT for an unknown port or controller, else EINVAL. */
export function parseFaultTarget(text: string): FaultTarget {
  const [, kind = '', name = ''] = /^([a-z]+):(.*)$/.exec(text) ?? [];
  if (!Object.hasOwn(TARGET_KINDS, kind)) {
    const kinds = Object.keys(TARGET_KINDS).join(', ');
    throw new ArrayError('EINVAL', `'${printable(text)}' is no target: KIND:NAME of ${kinds}`);
  }
  const target = { kind: kind as FaultTargetKind, name };
  if (target.kind === 'port') parsePort(name);
  else if (target.kind === 'controller') parseController(name);
  else checkName(name);
  return target;
}

export class FaultList {
  private faults: Fault[] = [];
  private nextNumber = 1;

  /** In the order in which they were set. */
  get list(): readonly Fault[] {
    return this.faults;
  }

  /** EINVAL where the target cannot have the fault, or something it needs is missing. */
  add(setting: FaultSetting): Fault {
    checkSetting(setting);
    if (this.faults.length >= FAULTS_MAX) {
      throw new ArrayError('ENOSPC', `there are ${FAULTS_MAX} faults already: clear some`);
    }
    const fault = { ...setting, number: this.nextNumber, hits: 0 };
    this.nextNumber += 1;
    this.faults.push(fault);
    return fault;
  }

  /** ENOENT where there is no such fault. */
  clear(number: number): void {
    const kept = this.faults.filter((fault) => fault.number !== number);
    if (kept.length === this.faults.length) {
      throw new ArrayError('ENOENT', `there is no fault ${number}`);
    }
    this.faults = kept;
  }

  /** Of one target, or all. Tells how many. */
  clearAll(target?: FaultTarget): number {
    const before = this.faults.length;
    this.faults = this.faults.filter(
      (fault) => target !== undefined && !isSame(fault.target, target),
    );
    return before - this.faults.length;
  }

  /**
   * What happens to a request at the target now, in the order in which it was set: each of these counts as having happened
   * once. Without a range the request concerns no bytes, and only faults without a range meet it; faults of other
   * kinds than `kinds` do not.
   */
  hits(
    target: FaultTarget,
    range?: FaultRange,
    kinds: readonly FaultKind[] = FAULT_KINDS,
  ): readonly Fault[] {
    if (this.faults.length === 0) return [];
    const met = this.faults.filter(
      (fault) =>
        kinds.includes(fault.kind) && fault.count !== 0 && meetsFault(fault, target, range),
    );
    if (met.length > 0) {
      this.faults = this.faults.flatMap((fault) => (met.includes(fault) ? used(fault) : [fault]));
    }
    return met;
  }

  /** As if `hits` had given the fault so often: microprocessors count for themselves (shared-faults.ts). */
  happened(number: number, times: number): void {
    this.faults = this.faults.flatMap((fault) =>
      fault.number === number ? used(fault, times) : [fault],
    );
  }

  /** Whether a target is set so, without anything happening: ports, controllers and devices that are down. */
  has(target: FaultTarget, kind: FaultKind): boolean {
    return this.faults.some((fault) => fault.kind === kind && isSame(fault.target, target));
  }
}

function checkSetting({ target, kind, count, range, delayMs, sense }: FaultSetting): void {
  const refuse = (text: string): never => {
    throw new ArrayError('EINVAL', text);
  };
  const kinds: readonly FaultKind[] = TARGET_KINDS[target.kind];
  if (!kinds.includes(kind)) {
    const reason = kind === 'delay' || kind === 'hang' ? '' : `: ${REFUSALS[kind]}`;
    refuse(`a ${target.kind} has no fault ${kind}${reason} (it has ${kinds.join(', ')})`);
  }
  const isLink = kind === 'down' && target.kind !== 'device';
  if (isLink && (count !== undefined || range !== undefined)) {
    refuse(
      `a ${target.kind} is down until the fault is cleared: neither count= nor range= say when`,
    );
  }
  if (count !== undefined && !isWhole(count, 1)) refuse('a fault happens once at least');
  if (range !== undefined && !(isWhole(range.start, 0) && isWhole(range.end, range.start + 1))) {
    refuse('a range ends after it begins');
  }
  if ((kind === 'delay') !== (delayMs !== undefined)) refuse('delay= goes with the fault delay');
  if (delayMs !== undefined && !isWhole(delayMs, 1)) refuse('a delay is 1 ms at least');
  if ((kind === 'sense') !== (sense !== undefined)) refuse('sense= goes with the fault sense');
}

function isWhole(value: number, least: number): boolean {
  return Number.isSafeInteger(value) && value >= least;
}

/** Whether a request at the target, and in the range, meets the fault. */
export function meetsFault(
  { target: set, range }: FaultSetting,
  target: FaultTarget,
  asked: FaultRange | undefined,
): boolean {
  if (!isSame(set, target)) return false;
  return range === undefined || (asked !== undefined && overlaps(range, asked));
}

function isSame(one: FaultTarget, other: FaultTarget): boolean {
  return one.kind === other.kind && one.name === other.name;
}

function overlaps(one: FaultRange, other: FaultRange): boolean {
  return other.start < one.end && one.start < other.end;
}

/** What is left of a fault that happened once more, or so often. */
function used(fault: Fault, times = 1): Fault[] {
  const hits = fault.hits + times;
  if (fault.count === undefined) return [{ ...fault, hits }];
  const isOver = fault.count <= times && fault.kind !== 'hang';
  return isOver ? [] : [{ ...fault, hits, count: Math.max(0, fault.count - times) }];
}
