/** Bytes on their way through a segment: put in at the end, taken out at the beginning. */
import { assert } from '../base/assert.js';

export class ByteQueue {
  private parts: Uint8Array[] = [];
  private total = 0;

  get length(): number {
    return this.total;
  }

  /** The bytes are not changed any more by the caller. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.parts.push(bytes);
    this.total += bytes.length;
  }

  take(count: number): Uint8Array {
    assert(count <= this.total, 'no more is taken than there is');
    const taken: Uint8Array[] = [];
    let missing = count;
    while (missing > 0) {
      const part = this.parts[0] ?? new Uint8Array();
      taken.push(part.subarray(0, missing));
      if (part.length > missing) this.parts[0] = part.subarray(missing);
      else this.parts.shift();
      missing -= Math.min(part.length, missing);
    }
    this.total -= count;
    const [only] = taken;
    return taken.length === 1 && only !== undefined ? only : Buffer.concat(taken);
  }

  clear(): void {
    this.parts = [];
    this.total = 0;
  }
}
