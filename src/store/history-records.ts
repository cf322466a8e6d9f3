/** Records of jobs and events: what the array has done and is doing. */
import { seal, unseal } from './sealed-record.js';

export interface JobRecord {
  readonly id: number;
  readonly kind: string;
  readonly subject: string;
  readonly state: string;
  readonly startedMs: number;
  /** 0 while it runs. */
  readonly endedMs: number;
  readonly done: number;
  readonly total: number;
  readonly unit: string;
  readonly message: string;
  /** What is needed to go on with it or to start it again; '' for nothing, as in records of earlier builds. */
  readonly memo: string;
}

export function packJob(job: JobRecord): Uint8Array {
  return seal((writer) => {
    writer
      .u32(job.id)
      .text(job.kind)
      .text(job.subject)
      .text(job.state)
      .u64(job.startedMs)
      .u64(job.endedMs)
      .u64(job.done)
      .u64(job.total)
      .text(job.unit)
      .text(job.message)
      .text(job.memo);
  });
}

export function unpackJob(value: Uint8Array): JobRecord {
  return unseal(value, (reader) => ({
    id: reader.u32(),
    kind: reader.text(),
    subject: reader.text(),
    state: reader.text(),
    startedMs: reader.u64(),
    endedMs: reader.u64(),
    done: reader.u64(),
    total: reader.u64(),
    unit: reader.text(),
    message: reader.text(),
    memo: reader.isAtEnd ? '' : reader.text(),
  }));
}

export interface EventRecord {
  readonly timeMs: number;
  /** Where its line begins in the text of all events ever recorded. */
  readonly textOffset: number;
  readonly code: string;
  readonly subject: string;
  readonly message: string;
}

export function packEvent(event: EventRecord): Uint8Array {
  return seal((writer) => {
    writer
      .u64(event.timeMs)
      .u64(event.textOffset)
      .text(event.code)
      .text(event.subject)
      .text(event.message);
  });
}

export function unpackEvent(value: Uint8Array): EventRecord {
  return unseal(value, (reader) => ({
    timeMs: reader.u64(),
    textOffset: reader.u64(),
    code: reader.text(),
    subject: reader.text(),
    message: reader.text(),
  }));
}
