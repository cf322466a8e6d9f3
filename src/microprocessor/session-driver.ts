/**
 * Carries out operations one after the other, as they come in chunks (operation-frame.ts). The reply is put into the place of
 * the next chunk, which the array core does not use before it has taken it: so the operation is still there for another
 * microprocessor, until the progress pointer has moved behind it.
 */
import { assert } from '../base/assert.js';
import type { BlockSession, StreamMedium, StreamSession } from '../device/backup-device.js';
import { DeviceError } from '../device/device-error.js';
import { type Chunk, readKept, readProgress } from '../san/data-area.js';
import { blockOperation } from './block-operations.js';
import type { DeviceOperation } from './device-operation.js';
import type { Driver, DriverParts, Step } from './driver.js';
import type { WorkOf } from './errand-order.js';
import { failureOf } from './errand-order.js';
import { type Answered, decodeOperation, encodeAnswer } from './operation-frame.js';
import { streamOperation } from './stream-operations.js';

/** What is kept: somebody has had the medium before. */
const BEGUN = 'begun';

export class SessionDriver implements Driver {
  constructor(
    private readonly parts: DriverParts,
    private readonly work: WorkOf<'session'>,
  ) {}

  /** The tape goes to where it was behind the last operation; what one that did not end has torn is cut off. */
  begin(): void {
    const tape = this.tape;
    if (tape === undefined) return;
    const { slot, consumer } = this.parts.transfer;
    const { devicePosition } = readProgress(slot);
    const isFirst = readKept(slot) === '';
    consumer.keep(BEGUN);
    tape.seek(devicePosition);
    if (this.work.mode === 'read' || isFirst) return;
    repair(tape);
    tape.seek(devicePosition);
  }

  step(): Step {
    const { consumer } = this.parts.transfer;
    const chunk = consumer.next();
    if (chunk === undefined) return 'idle';
    if (chunk.kind === 'data') this.answer(chunk);
    consumer.consumed(chunk, this.tape?.position ?? 0);
    return chunk.kind === 'end' ? 'done' : 'moved';
  }

  suspend(): void {
    if (this.work.mode === 'write') this.parts.session.loaded.sync();
  }

  private answer(chunk: Chunk): void {
    const { memory, slot } = this.parts.transfer.slot;
    const place = memory.chunk(slot, chunk.sequence + 1);
    const before = this.tape?.position;
    try {
      const { operation, data } = decodeOperation(chunk.content);
      this.parts.gate(rangeOf(operation, data));
      encodeAnswer(place, this.carryOut(operation, data));
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      if (before !== undefined) this.tape?.seek(before);
      encodeAnswer(place, { failure: failureOf(error) });
    }
  }

  private carryOut(operation: DeviceOperation, data: Uint8Array): Answered {
    const { session } = this.parts;
    const { device, reserved } = session;
    switch (operation.kind) {
      case 'test-ready':
        assert(session.loaded !== undefined, 'what is loaded is there');
        return { reply: { kind: 'done' } };
      case 'inquire': {
        const { kind, structure } = device;
        const sizeBytes = structure === 'block' ? (session as BlockSession).loaded.sizeBytes : 0;
        const capacity = session.capacity();
        const medium = reserved ?? '';
        const inquiry = { device: kind, structure, medium, capacity, sizeBytes };
        return { reply: { kind: 'inquiry', inquiry } };
      }
      case 'sync':
        session.loaded.sync();
        return { reply: { kind: 'done' } };
      default: {
        const { tape } = this;
        return tape === undefined
          ? blockOperation((session as BlockSession).loaded, operation, data)
          : streamOperation(tape, operation, data);
      }
    }
  }

  private get tape(): StreamMedium | undefined {
    const { session } = this.parts;
    const isStream = session.device.structure === 'stream';
    return isStream ? (session as StreamSession).loaded : undefined;
  }
}

/** What is damaged in another way is told by the operation that meets it. */
function repair(tape: StreamMedium): void {
  try {
    tape.repairTail();
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
  }
}

function rangeOf(operation: DeviceOperation, data: Uint8Array) {
  if (!('position' in operation)) return undefined;
  const bytes = 'bytes' in operation ? operation.bytes : data.length;
  return { start: operation.position, end: operation.position + bytes };
}
