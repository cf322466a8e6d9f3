/**
 * A volume or snapshot as a host sees it at a target port. It is a second name of the image in /volumes: nothing of it is
 * kept by the host, and of each write through it whoever keeps pages of the image is told before the write is answered.
 */
import type { DiskArray, ImageHandle, SnapshotView, VolumeView } from '../array/disk-array.js';
import type { TargetPort } from '../array/target-contract.js';
import { ArrayError } from '../base/errors.js';
import { roundUpToSector, SECTOR_BYTES } from '../base/sizes.js';
import type {
  Answer,
  AttributeChanges,
  Attributes,
  Caller,
  OpenFile,
  OpenFlags,
  RangeChange,
  TreeNode,
} from './file-tree.js';
import { currentCopy, ImageFile } from './image-file.js';
import { openFileAttributes } from './target-attributes.js';
import { type FileNode, inodeOf } from './tree-nodes.js';
import type { Watched } from './watched.js';

const PORTS = 8;
/** The times of the image are told of so often where nobody keeps its pages. */
const TIMES_TOLD_MS = 1_000;

export class LunNode implements FileNode {
  readonly isDirectory = false;
  readonly isVolatile = true;
  readonly ino: number;

  constructor(
    private readonly array: DiskArray,
    private readonly port: TargetPort,
    private readonly copy: VolumeView | SnapshotView,
    private readonly watched: Watched,
  ) {
    this.ino = inodeOf('targetLun', copy.number * PORTS + port.number - 1);
  }

  attributes(caller?: Caller): Attributes {
    const { sizeBytes, modifiedMs, allocatedBytes, kind } = this.current;
    const file = { sizeBytes, modifiedMs, isReadOnly: kind === 'snapshot' };
    const sectorsAllocated = Math.ceil(allocatedBytes / SECTOR_BYTES);
    return { ...openFileAttributes(this.array, this.ino, file, caller), sectorsAllocated };
  }

  /** As of a disk: its size stays, whoever truncates it. */
  setAttributes({ sizeBytes, ...others }: AttributeChanges): void {
    const staysAsItIs =
      Object.keys(others).length === 0 &&
      sizeBytes !== undefined &&
      roundUpToSector(sizeBytes) === this.current.sizeBytes;
    if (!staysAsItIs) throw new ArrayError('EPERM', "size, owner, mode and times are the volume's");
  }

  /** O_TRUNC means nothing, as on a disk. */
  open(flags: OpenFlags, caller: Caller | undefined): OpenFile {
    const { number } = this.copy;
    const handle = this.port.openLun(number, caller?.uid, { write: flags.write });
    const news = new ImageNews(this.array, number, this.watched);
    return new LunFile(this, handle, flags.write, this.array, news);
  }

  private get current(): VolumeView | SnapshotView {
    return currentCopy(this.array, this.copy) ?? this.copy;
  }
}

/** One open of it. */
class LunFile extends ImageFile {
  override readonly mayBeCached = false;

  constructor(
    node: LunNode,
    handle: ImageHandle,
    writable: boolean,
    array: DiskArray,
    private readonly news: ImageNews,
  ) {
    super(node, handle, writable, array);
  }

  override write(offset: number, data: Uint8Array): Answer<number> {
    const written = super.write(offset, data);
    if (written instanceof Promise) return written.then((count) => this.told(count));
    return this.told(written);
  }

  override async allocate(change: RangeChange): Promise<void> {
    await super.allocate(change);
    await this.news.changed();
  }

  private told(count: number): Answer<number> {
    return this.news.changed()?.then(() => count) ?? count;
  }
}

/** What whoever uses the image in /volumes must know of writes through a port. */
class ImageNews {
  private readonly image: TreeNode;
  private toldMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly array: DiskArray,
    number: number,
    private readonly watched: Watched,
  ) {
    this.image = { ino: inodeOf('image', number), isDirectory: false };
  }

  /** After a change; the promise is what its answer has to wait for. */
  changed(): Promise<void> | undefined {
    const { watcher } = this.watched;
    if (watcher?.keepsPages) {
      watcher.contentChanged(this.image);
      return watcher.delivered();
    }
    const nowMs = this.array.nowMs();
    if (nowMs - this.toldMs < TIMES_TOLD_MS) return undefined;
    this.toldMs = nowMs;
    watcher?.attributesChanged(this.image);
    return undefined;
  }
}
