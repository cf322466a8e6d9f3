/**
 * What is known of a volume besides its content: whether it is reserved for pairs, whether it has failed as it holds half a copy, and which
 * snapshot it holds, byte for byte. The last is forgotten before the first write, in the same generation or an earlier one: no crash leaves it of
 * content that is another.
 */
import { recordKey } from '../store/keys.js';
import { packVolumeState, type VolumeStateRecord } from '../store/pair-records.js';
import type { PoolContent } from '../volume/pool-content.js';
import type { RecordSource } from '../volume/record-source.js';

const NEW: VolumeStateRecord = { isReserved: false, failure: '', holds: '' };

export class VolumeState implements RecordSource {
  private now = NEW;

  constructor(
    private readonly content: PoolContent,
    private readonly volumeNumber: number,
  ) {}

  get recordKey(): Uint8Array {
    return recordKey('volumeState', this.volumeNumber);
  }

  get isReserved(): boolean {
    return this.now.isReserved;
  }

  /** Empty where it has not failed. */
  get failure(): string {
    return this.now.failure;
  }

  /** UUID of a snapshot, of whatever array; empty where nothing is known. */
  get holds(): string {
    return this.now.holds;
  }

  load(state: VolumeStateRecord): void {
    this.now = state;
  }

  reserve(isReserved: boolean): void {
    this.change({ isReserved });
  }

  fail(failure: string): void {
    this.change(failure === '' ? { failure } : { failure, holds: '' });
  }

  hold(image: string): void {
    this.change({ holds: image });
  }

  /** Something is about to change the content. */
  noteChange(): void {
    if (this.now.holds !== '') this.change({ holds: '' });
  }

  /** With the volume. */
  forget(): void {
    this.change(NEW);
  }

  packRecord(): Uint8Array | undefined {
    const { isReserved, failure, holds } = this.now;
    return isReserved || failure !== '' || holds !== '' ? packVolumeState(this.now) : undefined;
  }

  private change(change: Partial<VolumeStateRecord>): void {
    const next = { ...this.now, ...change };
    const keys = Object.keys(NEW) as (keyof VolumeStateRecord)[];
    if (keys.every((key) => next[key] === this.now[key])) return;
    this.now = next;
    this.content.touch(this);
  }
}
