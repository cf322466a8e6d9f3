/** The direct way to backup devices, which notes what a device is told, and holds a backup at a piece until it is let go. */
import type {
  BackupRequest,
  DeviceSession,
  ImageSource,
  SessionRequest,
  Transfer,
} from '../../src/array/backup-path.js';
import { DirectPath } from './direct-path.js';

export class WatchedPath extends DirectPath {
  /** What went to devices, in order. */
  readonly log: string[] = [];
  /** Offsets at which backups asked for data. */
  readonly asked: number[] = [];
  private heldAt = Number.POSITIVE_INFINITY;
  private letGo: () => void = () => undefined;
  private gate: Promise<void> = Promise.resolve();

  /** The device takes nothing from this offset on. */
  holdAt(offset: number): void {
    this.heldAt = offset;
    this.gate = new Promise((resolve) => {
      this.letGo = resolve;
    });
  }

  release(): void {
    this.heldAt = Number.POSITIVE_INFINITY;
    this.letGo();
  }

  override backup(request: BackupRequest): Transfer {
    const { source } = request;
    const watched: ImageSource = {
      read: async (offset, target, signal) => {
        this.asked.push(offset);
        const piece = await source.read(offset, target, signal);
        if (offset >= this.heldAt) await this.gate;
        return piece;
      },
    };
    return super.backup({ ...request, source: watched });
  }

  override openSession(request: SessionRequest): DeviceSession {
    const session = super.openSession(request);
    this.log.push(`search ${request.device.name} through ${request.ports().ports.join(' ')}`);
    return Object.assign(Object.create(session) as DeviceSession, {
      run: async (...[operation, data]: Parameters<DeviceSession['run']>) => {
        const answer = await session.run(operation, data);
        const bytes = data === undefined ? '' : ` ${data.length}`;
        this.log.push(`${operation.kind}${bytes}: ${answer.reply.kind}`);
        return answer;
      },
      close: async () => {
        await session.close();
        this.log.push('log out');
      },
    });
  }
}
