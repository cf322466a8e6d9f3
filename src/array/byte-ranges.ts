/** Ranges of bytes that do not touch each other, ascending. */

interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export class ByteRanges {
  private ranges: readonly ByteRange[] = [];

  get isEmpty(): boolean {
    return this.ranges.length === 0;
  }

  add(start: number, length: number): void {
    if (length === 0) return;
    const end = start + length;
    const touching = this.ranges.filter((range) => range.start <= end && range.end >= start);
    const others = this.ranges.filter((range) => !touching.includes(range));
    const whole = {
      start: Math.min(start, ...touching.map((range) => range.start)),
      end: Math.max(end, ...touching.map((range) => range.end)),
    };
    this.ranges = [...others, whole].sort((one, other) => one.start - other.start);
  }

  addAll(others: ByteRanges): void {
    for (const { start, end } of others.ranges) this.add(start, end - start);
  }

  clear(): void {
    this.ranges = [];
  }

  /** Whether the byte is in one of them, and up to where that is so. */
  at(offset: number): { readonly isInside: boolean; readonly end: number } {
    const range = this.ranges.find(({ end }) => end > offset);
    if (range === undefined) return { isInside: false, end: Number.POSITIVE_INFINITY };
    const isInside = range.start <= offset;
    return { isInside, end: isInside ? range.end : range.start };
  }
}
