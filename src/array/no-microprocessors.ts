/** The way to backup devices of an array that was put together without microprocessors: no port reaches anything. */
import { ArrayError } from '../base/errors.js';
import { type PortResult, searchError } from '../san/search-reasons.js';
import type {
  BackupPath,
  DeviceSession,
  Errand,
  PortProbe,
  ProbeRequest,
  Transfer,
} from './backup-path.js';

type Request = Pick<ProbeRequest, 'device' | 'ports'>;

const ENDED: Errand = {
  ...{ phase: 'ended', port: undefined, microprocessor: undefined, attempts: 0 },
  cancel() {},
  handOver() {},
};

export class NoMicroprocessors implements BackupPath {
  backup(request: Request): Transfer {
    const done = Promise.resolve({ outcome: 'failed' as const, error: failure(request) });
    return { ...ENDED, doneBytes: 0, durable: undefined, done };
  }

  restore(request: Request): Transfer {
    return this.backup(request);
  }

  openSession(request: Request): DeviceSession {
    const run = () => Promise.reject(failure(request));
    return { ...ENDED, run, close: async () => {} };
  }

  async probe(request: Request): Promise<readonly PortProbe[]> {
    return results(request).map((result) => ({ ...result, detail: '' }));
  }

  prepare(): void {}

  standBy(): void {}

  portsChanged(): void {}

  microprocessors(): readonly [] {
    return [];
  }

  kill(microprocessor: string): void {
    throw new ArrayError('ENOENT', `there is no microprocessor ${microprocessor}`);
  }

  setDown(microprocessor: string): void {
    this.kill(microprocessor);
  }

  async close(): Promise<void> {}
}

function failure(request: Request): ArrayError {
  return searchError(request.device.name, results(request));
}

function results({ ports }: Request): readonly PortResult[] {
  const { ports: usable, refused } = ports();
  return [...usable.map((port) => ({ port, reason: 'no-microprocessor' as const })), ...refused];
}
