/**
 * Counts of the last whole period ([002]: "cleared periodically to collect information per unit time").
 * Times are of a clock that never goes back.
 */

export class PeriodCounts<T> {
  private counting: T;
  private whole: T;

  constructor(
    private readonly empty: () => T,
    readonly periodMs: number,
    private startMs: number,
  ) {
    this.counting = empty();
    this.whole = empty();
  }

  /** To be added to. */
  current(nowMs: number): T {
    this.turn(nowMs);
    return this.counting;
  }

  /** Of the period before the present one. */
  last(nowMs: number): T {
    this.turn(nowMs);
    return this.whole;
  }

  private turn(nowMs: number): void {
    const periods = Math.floor((nowMs - this.startMs) / this.periodMs);
    if (periods <= 0) return;
    this.whole = periods === 1 ? this.counting : this.empty();
    this.counting = this.empty();
    this.startMs += periods * this.periodMs;
  }
}
