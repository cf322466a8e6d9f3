/** Whether hosts may use a volume: reserved for pairs, or failed as it holds half a copy. */
import { recordKey } from '../store/keys.js';
import { packVolumeState, type VolumeStateRecord } from '../store/pair-records.js';
import type { PoolContent } from '../volume/pool-content.js';
import type { RecordSource } from '../volume/record-source.js';

export class VolumeState implements RecordSource {
  private isReservedNow = false;
  private failureNow = '';

  constructor(
    private readonly content: PoolContent,
    private readonly volumeNumber: number,
  ) {}

  get recordKey(): Uint8Array {
    return recordKey('volumeState', this.volumeNumber);
  }

  get isReserved(): boolean {
    return this.isReservedNow;
  }

  /** Empty where it has not failed. */
  get failure(): string {
    return this.failureNow;
  }

  load({ isReserved, failure }: VolumeStateRecord): void {
    this.isReservedNow = isReserved;
    this.failureNow = failure;
  }

  reserve(isReserved: boolean): void {
    this.change(isReserved, this.failureNow);
  }

  fail(failure: string): void {
    this.change(this.isReservedNow, failure);
  }

  /** With the volume. */
  forget(): void {
    this.change(false, '');
  }

  packRecord(): Uint8Array | undefined {
    if (!this.isReservedNow && this.failureNow === '') return undefined;
    return packVolumeState({ isReserved: this.isReservedNow, failure: this.failureNow });
  }

  private change(isReserved: boolean, failure: string): void {
    if (isReserved === this.isReservedNow && failure === this.failureNow) return;
    this.isReservedNow = isReserved;
    this.failureNow = failure;
    this.content.touch(this);
  }
}
