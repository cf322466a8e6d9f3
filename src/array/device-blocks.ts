/** An image on a backup device as a block target: reads and writes of any bytes, over whole sectors of the medium. */
import { SECTOR_BYTES } from '../base/sizes.js';
import { OPERATION_BYTES_MAX } from '../microprocessor/device-operation.js';
import type { DeviceSession } from './backup-path.js';

export class DeviceBlocks {
  readonly kind = 'blocks';

  constructor(
    private readonly session: DeviceSession,
    readonly sizeBytes: number,
  ) {}

  async read(offset: number, target: Uint8Array): Promise<void> {
    for (let done = 0; done < target.length; ) {
      const from = offset + done;
      const start = from - (from % SECTOR_BYTES);
      const bytes = Math.min(
        wholeSectors(from - start + target.length - done),
        OPERATION_BYTES_MAX,
      );
      const { data } = await this.session.run({ kind: 'read-blocks', position: start, bytes });
      const part = data.subarray(from - start, from - start + target.length - done);
      target.set(part, done);
      done += part.length;
    }
  }

  /** Sectors that are written in part are read before. */
  async write(offset: number, data: Uint8Array): Promise<void> {
    const start = offset - (offset % SECTOR_BYTES);
    const end = Math.min(this.sizeBytes, wholeSectors(offset + data.length));
    let whole = data;
    if (start !== offset || end !== offset + data.length) {
      whole = new Uint8Array(end - start);
      await this.read(start, whole.subarray(0, SECTOR_BYTES));
      await this.read(end - SECTOR_BYTES, whole.subarray(-SECTOR_BYTES));
      whole.set(data, offset - start);
    }
    for (let done = 0; done < whole.length; done += OPERATION_BYTES_MAX) {
      const piece = whole.subarray(done, done + OPERATION_BYTES_MAX);
      await this.session.run({ kind: 'write-blocks', position: start + done }, piece);
    }
  }

  async testReady(): Promise<void> {
    await this.session.run({ kind: 'test-ready' });
  }
}

function wholeSectors(bytes: number): number {
  return Math.ceil(bytes / SECTOR_BYTES) * SECTOR_BYTES;
}
