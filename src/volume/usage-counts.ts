/**
 * Mapped blocks of each lineage, at the epochs of its snapshots and (EPOCH_MAX) at its head.
 */
export class UsageCounts {
  private readonly counts = new Map<number, Map<number, number>>();

  get(lineage: number, epoch: number): number | undefined {
    return this.counts.get(lineage)?.get(epoch);
  }

  set(lineage: number, epoch: number, count: number): void {
    let epochs = this.counts.get(lineage);
    if (epochs === undefined) {
      epochs = new Map();
      this.counts.set(lineage, epochs);
    }
    epochs.set(epoch, count);
  }

  forget(lineage: number, epoch: number): void {
    this.counts.get(lineage)?.delete(epoch);
  }

  forgetLineage(lineage: number): void {
    this.counts.delete(lineage);
  }
}
