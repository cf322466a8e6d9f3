/**
 * An open image of an array that was mounted with --allow-faults: before each request on it happens what the faults of its
 * volume and pool say; then `inner` has it, as if there were none.
 */
import type { ArrayContext } from './array-context.js';
import type { AnyCopy } from './copies.js';
import type { ImageHandle } from './disk-array.js';
import { openImage } from './images.js';
import type { RequestFaults } from './request-faults.js';

type Faults = Pick<ArrayContext['san'], 'allowsFaults' | 'requestFaults'>;

export function withFaults(
  { allowsFaults, requestFaults }: Faults,
  image: ImageHandle,
  copy: AnyCopy,
): ImageHandle {
  return allowsFaults ? new FaultyImage(image, copy, requestFaults) : image;
}

/**
 * Opens an image for a copy inside the array, which is no request of a host. What faults are set at it happens to it as to a host;
 * with `faultsOf` those of another volume, whose frozen state it is.
 */
export function openForCopy(
  context: ArrayContext,
  copy: AnyCopy,
  { write, faultsOf = copy }: { readonly write: boolean; readonly faultsOf?: AnyCopy },
): ImageHandle {
  return withFaults(context.san, openImage(context, copy, write), faultsOf);
}

class FaultyImage implements ImageHandle {
  constructor(
    private readonly inner: ImageHandle,
    /** Whose faults it has; that is `inner`'s, or what `inner` is a frozen state of. */
    private readonly faultsOf: AnyCopy,
    private readonly faults: RequestFaults,
  ) {}

  get copy(): ImageHandle['copy'] {
    return this.inner.copy;
  }

  read(offset: number, target: Uint8Array): number | Promise<number> {
    const passed = this.pass('read', offset, target.length);
    if (passed === undefined) return this.inner.read(offset, target);
    return passed.then(() => this.inner.read(offset, target));
  }

  write(offset: number, data: Uint8Array): number | Promise<number> {
    const passed = this.pass('write', offset, data.length);
    if (passed === undefined) return this.inner.write(offset, data);
    // The memory is the caller's again; `slice` of a Buffer would be a view of it.
    const kept = new Uint8Array(data);
    return passed.then(() => this.inner.write(offset, kept));
  }

  async resize(sizeBytes: number): Promise<void> {
    await this.faults.passCopy(this.faultsOf, 'other');
    return this.inner.resize(sizeBytes);
  }

  async discard(offset: number, sizeBytes: number): Promise<void> {
    await this.pass('write', offset, sizeBytes);
    return this.inner.discard(offset, sizeBytes);
  }

  nextData(offset: number): Promise<number | undefined> {
    return this.inner.nextData(offset);
  }

  nextHole(offset: number, before?: number): Promise<number> {
    return this.inner.nextHole(offset, before);
  }

  async copyTo(
    offset: number,
    target: ImageHandle,
    targetOffset: number,
    sizeBytes: number,
  ): Promise<number> {
    await this.pass('read', offset, sizeBytes);
    if (!(target instanceof FaultyImage)) {
      return this.inner.copyTo(offset, target, targetOffset, sizeBytes);
    }
    await target.pass('write', targetOffset, sizeBytes);
    return this.inner.copyTo(offset, target.inner, targetOffset, sizeBytes);
  }

  async sync(): Promise<void> {
    await this.faults.passCopy(this.faultsOf, 'other');
    return this.inner.sync();
  }

  close(): void {
    this.inner.close();
  }

  private pass(
    operation: 'read' | 'write',
    offset: number,
    length: number,
  ): Promise<void> | undefined {
    const range = { start: offset, end: offset + length };
    return this.faults.passCopy(this.faultsOf, operation, range);
  }
}
