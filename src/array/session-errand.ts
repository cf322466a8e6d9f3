/** A session: operations one after the other at a medium that stays reserved between them. */
import { assert } from '../base/assert.js';
import { ArrayError } from '../base/errors.js';
import { type DeviceOperation, OPERATION_BYTES_MAX } from '../microprocessor/device-operation.js';
import { decodeAnswer, encodeOperation } from '../microprocessor/operation-frame.js';
import { ChunkProducer, readProgress } from '../san/data-area.js';
import type { RequestSlot } from '../san/request-slots.js';
import type { DeviceSession, OperationAnswer, SessionRequest } from './backup-path.js';
import { DeviceErrand, type ErrandEnd, type ErrandHost } from './device-errand.js';
import { failureError } from './path-errors.js';

interface Call {
  readonly operation: DeviceOperation;
  readonly data: Uint8Array;
  resolve(answer: OperationAnswer): void;
  reject(error: ArrayError): void;
  /** It waits for its turn beside requests of hosts, or has had it. */
  turn: 'none' | 'waits' | 'came';
}

const ENDED = { done: 'closed', cancelled: 'cancelled', stopped: 'ended with the array' } as const;

export class SessionErrand extends DeviceErrand implements DeviceSession {
  private readonly calls: Call[] = [];
  /** Operations that were answered: the number of the chunk of the next one. */
  private answered = 0;
  private isClosing = false;
  private error: ArrayError | undefined;
  private readonly over: Promise<void>;
  private resolveOver: () => void = () => {};

  constructor(
    host: ErrandHost,
    private readonly session: SessionRequest,
  ) {
    const { medium, mode } = session;
    super(host, session, { kind: 'session', medium, mode });
    this.over = new Promise((resolve) => {
      this.resolveOver = resolve;
    });
  }

  run(operation: DeviceOperation, data: Uint8Array = new Uint8Array(0)): Promise<OperationAnswer> {
    assert(data.length <= OPERATION_BYTES_MAX, 'the data of an operation fits a chunk');
    if (this.isClosing) this.error ??= new ArrayError('EINTR', 'the session is closed');
    if (this.error !== undefined) return Promise.reject(this.error);
    return new Promise((resolve, reject) => {
      this.calls.push({ operation, data: Uint8Array.from(data), resolve, reject, turn: 'none' });
      this.host.wake();
    });
  }

  close(): Promise<void> {
    this.isClosing = true;
    this.host.wake();
    return this.over;
  }

  protected move(slot: RequestSlot): void {
    this.takeAnswer(slot);
    const producer = new ChunkProducer(slot);
    // By the answer that was taken, not by the ring: one may have come since that look, and lies where the next operation would go.
    if (this.isEnding || producer.published !== this.answered) return;
    const [call] = this.calls;
    if (call !== undefined && !this.mayGo(call)) return;
    const head = { segment: 0, position: 0, devicePosition: 0 };
    if (call !== undefined) {
      const length = encodeOperation(producer.nextContent(), call.operation, call.data);
      producer.publish({ ...head, kind: 'data', length });
    } else if (this.isClosing) producer.publish({ ...head, kind: 'end', length: 0 });
  }

  /** Where it has to wait, the next look is when its turn has come. */
  private mayGo(call: Call): boolean {
    if (call.turn !== 'none') return call.turn === 'came';
    const bytes = bytesOf(call);
    const turn = bytes === 0 ? undefined : this.session.pace?.(bytes, this.port);
    call.turn = turn === undefined ? 'came' : 'waits';
    void turn?.then(() => {
      call.turn = 'came';
      this.host.wake();
    });
    return turn === undefined;
  }

  protected settle(end: ErrandEnd): void {
    const error =
      end.outcome === 'failed'
        ? end.error
        : new ArrayError('EINTR', `the session was ${ENDED[end.outcome]}`);
    this.error ??= error;
    for (const { reject } of this.calls.splice(0)) reject(this.error);
    this.resolveOver();
  }

  /** It lies in the place of the next chunk; the operation itself could still be needed until now. */
  private takeAnswer(request: RequestSlot): void {
    const { memory, slot } = request;
    const { chunks } = readProgress(request);
    if (chunks === this.answered) return;
    this.answered = chunks;
    const call = this.calls.shift();
    if (call === undefined) return;
    const answer = decodeAnswer(memory.chunk(slot, chunks));
    if ('failure' in answer) call.reject(failureError(answer.failure));
    else call.resolve({ reply: answer.reply, data: Uint8Array.from(answer.data ?? []) });
  }
}

/** Data that the operation moves, as far as it is asked for. */
function bytesOf({ operation, data }: Call): number {
  switch (operation.kind) {
    case 'read-records':
      return Math.min(OPERATION_BYTES_MAX, operation.count * operation.recordBytes);
    case 'read-blocks':
      return operation.bytes;
    default:
      return data.length;
  }
}
