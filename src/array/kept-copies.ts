/**
 * What is kept of copies for RECEIVE COPY RESULTS (SPC-2, 7.18), by host, port and list identifier: status, held data and the
 * failure of each. A part is forgotten when the host has it, when the identifier is used again, when there are too many, and
 * with the mount.
 */
import { COPY_RESULTS_MAX } from '../base/limits.js';
import {
  type CopyState,
  type FailedSegment,
  type HeldData,
  holdMore,
} from '../ecopy/copy-results.js';
import type { ParameterList } from '../ecopy/parameter-list.js';
import type { CopyResults, Nexus } from '../ecopy/scsi-target.js';
import { SenseError } from '../ecopy/sense.js';
import { SENSE } from '../ecopy/sense-codes.js';

const NOTHING_HELD: HeldData = { bytes: new Uint8Array(), discarded: false };
const CHECK_CONDITION = 0x02;

/** One copy, from its acceptance on. */
export class CopyRecord {
  state: CopyState = 'in-progress';
  /** The current one included. */
  segmentsProcessed = 0;
  writtenBytes = 0;
  private held = NOTHING_HELD;
  private failure: FailedSegment | undefined;
  private readonly forgotten = new Set<keyof CopyResults>();

  constructor(private readonly holdsData: boolean) {}

  hold(data: Uint8Array): void {
    this.held = this.holdsData ? holdMore(this.held, data) : { ...this.held, discarded: true };
  }

  end(failure: Uint8Array | undefined): void {
    this.state = failure === undefined ? 'done' : 'failed';
    this.failure = failure && { status: CHECK_CONDITION, sense: failure };
  }

  get results(): CopyResults {
    const { state, segmentsProcessed, writtenBytes, held, failure } = this;
    const heldDataDiscarded = held.discarded;
    const all: CopyResults = {
      status: { heldDataDiscarded, state, segmentsProcessed, writtenBytes },
      ...(state !== 'in-progress' && { failure: failure ?? 'none' }),
      ...(state !== 'in-progress' && this.holdsData && { heldData: held.bytes }),
    };
    const parts = Object.entries(all).filter(([part]) => !this.isForgotten(part));
    return Object.fromEntries(parts);
  }

  /** Tells whether anything is left. */
  forget(part: keyof CopyResults): boolean {
    this.forgotten.add(part);
    if (part === 'heldData') this.held = { ...this.held, bytes: new Uint8Array() };
    return Object.keys(this.results).length > 0;
  }

  /** Something else takes its place: what it holds is given back. */
  forgetAll(): void {
    for (const part of ['status', 'heldData', 'failure'] as const) this.forget(part);
  }

  private isForgotten(part: string): boolean {
    return [...this.forgotten].some((forgotten) => forgotten === part);
  }
}

export class KeptCopies {
  /** The oldest first. */
  private readonly records = new Map<string, CopyRecord>();

  /** Without a list identifier nothing is kept. OPERATION IN PROGRESS where one is in use. */
  begin(nexus: Nexus, { listIdentifier, listIdUsage }: ParameterList['options']): CopyRecord {
    const record = new CopyRecord(listIdUsage === 'hold');
    if (listIdUsage === 'none') return record;
    const key = keyOf(nexus, listIdentifier);
    const before = this.records.get(key);
    if (before?.state === 'in-progress') throw new SenseError({ code: SENSE.operationInProgress });
    this.drop(key);
    this.records.set(key, record);
    this.makeRoom();
    return record;
  }

  results(nexus: Nexus, listIdentifier: number): CopyResults | undefined {
    return this.records.get(keyOf(nexus, listIdentifier))?.results;
  }

  forget(nexus: Nexus, listIdentifier: number, part: keyof CopyResults): void {
    const key = keyOf(nexus, listIdentifier);
    if (this.records.get(key)?.forget(part) === false) this.records.delete(key);
  }

  private makeRoom(): void {
    const ended = [...this.records].filter(([, { state }]) => state !== 'in-progress');
    for (const [key] of ended.slice(0, Math.max(0, this.records.size - COPY_RESULTS_MAX))) {
      this.drop(key);
    }
  }

  private drop(key: string): void {
    this.records.get(key)?.forgetAll();
    this.records.delete(key);
  }
}

/** Names of hosts have no blanks. */
function keyOf({ host, port }: Nexus, listIdentifier: number): string {
  return `${host} ${port} ${listIdentifier}`;
}
