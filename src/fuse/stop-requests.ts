/**
 * What SIGTERM and SIGINT ask of a daemon, each time a little more:
 *
 *   first    everything durable, then an ordinary unmount; where that is busy it says who holds it
 *            and goes on serving
 *   second   leaves the name space, serves open files until the last is closed
 *   third    ends at once, with everything acknowledged durable
 */
import { ArrayError, asArrayError } from '../base/errors.js';
import type { DaemonLog } from '../host/daemon-log.js';
import type { MountedTree } from './transport.js';

export interface StopParts {
  readonly mount: MountedTree;
  readonly mountPoint: string;
  readonly log: DaemonLog;
  /** Makes everything acknowledged durable. */
  sync(): Promise<void>;
  /** Requests that hang at faults go on: nobody can clear these any more. */
  releaseHanging(): void;
  /** One readable line for each holder of the mount. */
  holders(): readonly string[];
  recordEvent(code: string, subject: string, message: string): void;
}

export class StopRequests {
  /** Resolves at the third request. */
  readonly forced: Promise<void>;
  private count = 0;
  /** Signals that come fast do what they ask for one after the other: a dead mount would be left else. */
  private last: Promise<void> = Promise.resolve();
  private force: () => void = () => {};

  constructor(private readonly parts: StopParts) {
    this.forced = new Promise((resolve) => {
      this.force = resolve;
    });
  }

  /** One signal; resolves when what it asks for is done or refused. */
  request(signal: string): Promise<void> {
    this.count += 1;
    const { count, last } = this;
    this.parts.log.write('info', `${signal}, request ${count} to stop`);
    this.last = this.syncAll()
      .then(() => last)
      .then(() => this.act(count));
    return this.last;
  }

  private async act(count: number): Promise<void> {
    const { log, mount } = this.parts;
    switch (count) {
      case 1:
        return this.unmount();
      case 2:
        log.write('info', `detaching, ${mount.openFileCount()} files are open`);
        await this.report(mount.detach());
        return this.parts.releaseHanging();
      default:
        log.write('warning', `ending with ${mount.openFileCount()} files open`);
        this.force();
    }
  }

  private async unmount(): Promise<void> {
    // Read before: after a detach from outside the holders' paths no longer show the mount.
    const holders = this.parts.holders();
    try {
      await this.parts.mount.unmount();
    } catch (error) {
      if (!(error instanceof ArrayError && error.code === 'EBUSY')) return this.report(error);
      const who = holders.length > 0 ? holders.join('; ') : 'a process this user cannot see';
      const text = `${this.parts.mountPoint} is in use by ${who}`;
      this.parts.log.write('warning', `${text}; still serving, a second signal detaches`);
      this.parts.recordEvent('BUSY', '-', text);
    }
    return undefined;
  }

  private async syncAll(): Promise<void> {
    try {
      await this.parts.sync();
    } catch (error) {
      this.parts.log.write(
        'error',
        `cannot make everything durable: ${asArrayError(error).reason}`,
      );
    }
  }

  private async report(work: unknown): Promise<void> {
    try {
      if (work instanceof Error) throw work;
      await work;
    } catch (error) {
      this.parts.log.write('error', asArrayError(error).message);
    }
  }
}
