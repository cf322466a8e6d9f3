/**
 * The commands that one open /targets/PORT/scsi sends, one after the other:
 *
 *    idle --piece--> collecting --all of it--> at work --> answered --piece--> collecting ...
 *
 * A command that has begun ends by itself, whether or not anybody waits for its answer.
 */
import type { Clock } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import { SCSI_WAIT_MS_MAX } from '../base/limits.js';
import { decodeScsiWrite, encodeScsiRead } from '../ecopy/scsi-frame.js';
import type { ScsiAnswer, ScsiCommand } from '../ecopy/scsi-target.js';
import type { ScsiExchange } from './target-contract.js';

const NONE = new Uint8Array();

export interface ConversationParts {
  readonly clock: Clock;
  /** Throws where the port answers nothing at the moment. */
  check(): void;
  /** Throws where the command may not begin. */
  execute(command: ScsiCommand): Promise<ScsiAnswer>;
  onAnswer(): void;
}

type State =
  | { readonly at: 'idle' }
  | { readonly at: 'collecting'; readonly bytes: Uint8Array; readonly missingBytes: number }
  | { readonly at: 'work' }
  | { readonly at: 'answered'; readonly bytes: Uint8Array }
  /** By a bug of the program: a command has an answer, whatever happens to it. */
  | { readonly at: 'failed'; readonly error: unknown };

export class ScsiConversation implements ScsiExchange {
  private state: State = { at: 'idle' };
  private readonly waiters = new Set<() => void>();

  constructor(private readonly parts: ConversationParts) {}

  write(data: Uint8Array): void {
    const { state } = this;
    if (state.at === 'work') {
      throw new ArrayError('EBUSY', 'a command is at work: read its answer first');
    }
    if (data.length === 0) return;
    this.parts.check();
    const before = state.at === 'collecting' ? state.bytes : NONE;
    // The data is only borrowed: concatenation copies it.
    const bytes = Buffer.concat([before, data]);
    this.state = { at: 'idle' };
    const decoded = decodeScsiWrite(bytes);
    if (decoded.isComplete) this.begin(decoded.command);
    else this.state = { at: 'collecting', bytes, missingBytes: decoded.missingBytes };
  }

  get isAnswered(): boolean {
    return this.state.at === 'answered' || this.state.at === 'failed';
  }

  answer(interrupted?: AbortSignal): Uint8Array | Promise<Uint8Array> {
    if (this.state.at !== 'work') return this.answerNow();
    return this.waitForEnd(interrupted).then(() => this.answerNow());
  }

  close(): void {
    this.wake();
  }

  private begin(command: ScsiCommand): void {
    const end = (state: State) => {
      this.state = state;
      this.wake();
      this.parts.onAnswer();
    };
    const answered = this.parts.execute(command);
    this.state = { at: 'work' };
    void answered.then(
      (answer) => end({ at: 'answered', bytes: encodeScsiRead(answer) }),
      (error: unknown) => end({ at: 'failed', error }),
    );
  }

  private answerNow(): Uint8Array {
    const { state } = this;
    switch (state.at) {
      case 'idle':
        return NONE;
      case 'collecting':
        throw new ArrayError('EINVAL', `${state.missingBytes} bytes of the command are missing`);
      case 'work':
        throw new ArrayError('EBUSY', 'the command is at work: its answer comes later');
      case 'answered':
        this.parts.check();
        return state.bytes;
      case 'failed':
        throw state.error;
    }
  }

  /** Also resolves when the time is over: what is read then says so. */
  private waitForEnd(interrupted: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (how: () => void) => {
        this.waiters.delete(wake);
        timer?.cancel();
        interrupted?.removeEventListener('abort', interrupt);
        how();
      };
      const wake = () => settle(resolve);
      const interrupt = () =>
        settle(() => reject(new ArrayError('EINTR', 'the reader was interrupted')));
      const { clock } = this.parts;
      const timer = interrupted === undefined ? clock.after(SCSI_WAIT_MS_MAX, wake) : undefined;
      this.waiters.add(wake);
      interrupted?.addEventListener('abort', interrupt);
    });
  }

  private wake(): void {
    for (const wake of [...this.waiters]) wake();
  }
}
