/** Chooses random operations that make sense in the model's present state. */
import { BLOCK_BYTES, SECTOR_BYTES } from '../../src/base/sizes.js';
import type { RandomSource } from '../support/random-source.js';
import type { ArrayModel, ModelOperation, ModelVolume } from './array-model.js';

type WriteOperation = Extract<ModelOperation, { kind: 'write' }>;

const VOLUME_BYTES_MAX = 24 * BLOCK_BYTES;
const VOLUMES_MAX = 5;
const SNAPSHOTS_MAX = 6;

export class OperationChooser {
  private nextName = 1;

  constructor(private readonly random: RandomSource) {}

  choose(model: ArrayModel): ModelOperation {
    const names = [...model.keys()];
    if (names.length === 0) return this.creation();
    const name = this.random.pick(names);
    const volume = model.get(name) as ModelVolume;
    const snapshots = [...volume.snapshots.keys()];
    const dice = this.random.next();
    if (dice < 0.52) return this.writing(name, volume.bytes.length);
    if (dice < 0.57) return this.copying(model, name) ?? this.writing(name, volume.bytes.length);
    if (dice < 0.62) return this.discarding(name, volume.bytes.length);
    if (dice < 0.7) return { kind: 'resize', name, size: this.size() };
    if (dice < 0.78 && snapshots.length < SNAPSHOTS_MAX) return this.freezing(model, names, name);
    if (dice < 0.84 && snapshots.length > 0) {
      return { kind: 'restore', name, snapshot: this.random.pick(snapshots) };
    }
    if (dice < 0.9 && snapshots.length > 0) {
      return { kind: 'drop', name, snapshot: this.random.pick(snapshots) };
    }
    if (dice < 0.94 && snapshots.length > 0 && names.length < VOLUMES_MAX) {
      const snapshot = this.random.pick(snapshots);
      return { kind: 'clone', name, snapshot, newName: this.freshName() };
    }
    if (dice < 0.96) return { kind: 'rename', name, newName: this.freshName() };
    if (dice < 0.975) return { kind: 'delete', name };
    if (names.length < VOLUMES_MAX) return this.creation();
    return this.writing(name, volume.bytes.length);
  }

  /** A line that begins on what was just written: back to a new snapshot. */
  branching(model: ArrayModel, name: string): ModelOperation[] {
    const { bytes, snapshots } = model.get(name) as ModelVolume;
    if (snapshots.size >= SNAPSHOTS_MAX) return [];
    const snapshot = this.freshName();
    const writing = () => this.writing(name, bytes.length);
    const restore: ModelOperation = { kind: 'restore', name, snapshot };
    return [
      writing(),
      { kind: 'snapshot', names: [name], snapshot },
      writing(),
      restore,
      writing(),
    ];
  }

  private creation(): ModelOperation {
    return { kind: 'create', name: this.freshName(), size: this.size() };
  }

  writing(name: string, size: number): WriteOperation {
    const { random } = this;
    const aligned = random.chance(0.5);
    let offset = random.integer(0, Math.min(VOLUME_BYTES_MAX - 1, size + BLOCK_BYTES));
    if (aligned) offset -= offset % SECTOR_BYTES;
    let length = random.integer(1, random.chance(0.3) ? 4 * BLOCK_BYTES : 3_000);
    if (aligned) length = Math.ceil(length / SECTOR_BYTES) * SECTOR_BYTES;
    length = Math.min(length, VOLUME_BYTES_MAX - offset);
    const data = new Uint8Array(length);
    // A third of the writes is zeros: holes are made and filled.
    if (!random.chance(0.33))
      data.fill(random.integer(1, 255)).set(random.bytes(Math.min(8, length)));
    return { kind: 'write', name, offset, data };
  }

  /** One block, inside both; undefined where one of them is empty. */
  private copying(model: ArrayModel, name: string): ModelOperation | undefined {
    const { random } = this;
    const target = (model.get(name) as ModelVolume).bytes;
    const source = random.pick([...model.keys()]);
    const volume = model.get(source) as ModelVolume;
    const snapshot = random.pick([undefined, ...volume.snapshots.keys()]);
    const bytes = snapshot === undefined ? volume.bytes : volume.snapshots.get(snapshot);
    if (bytes === undefined || bytes.length === 0 || target.length === 0) return undefined;
    const offset = this.block(target);
    const sourceOffset = this.block(bytes);
    if (snapshot === undefined && source === name && offset === sourceOffset) return undefined;
    const size = Math.min(BLOCK_BYTES, target.length - offset);
    const data = bytes.slice(sourceOffset, sourceOffset + size);
    return { kind: 'copy', name, offset, source, snapshot, sourceOffset, data };
  }

  /** Offset of a block of the image. */
  private block(bytes: Uint8Array): number {
    return this.random.integer(0, Math.ceil(bytes.length / BLOCK_BYTES) - 1) * BLOCK_BYTES;
  }

  private discarding(name: string, size: number): ModelOperation {
    // Of one block: a longer discard is no single step, a crash may find it half done.
    const offset = this.random.integer(0, size);
    const rest = BLOCK_BYTES - (offset % BLOCK_BYTES);
    const whole = this.random.chance(0.5);
    return whole
      ? { kind: 'discard', name, offset: offset + rest - BLOCK_BYTES, size: BLOCK_BYTES }
      : { kind: 'discard', name, offset, size: this.random.integer(0, rest) };
  }

  private freezing(model: ArrayModel, names: string[], name: string): ModelOperation {
    const others = names.filter((other) => other !== name && this.random.chance(0.3));
    const chosen = [name, ...others].filter((each) => {
      return (model.get(each)?.snapshots.size ?? 0) < SNAPSHOTS_MAX;
    });
    return { kind: 'snapshot', names: chosen, snapshot: this.freshName() };
  }

  private freshName(): string {
    this.nextName += 1;
    return `n${this.nextName}`;
  }

  private size(): number {
    return this.random.integer(0, VOLUME_BYTES_MAX / SECTOR_BYTES) * SECTOR_BYTES;
  }
}
