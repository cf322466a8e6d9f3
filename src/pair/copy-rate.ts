/** Bytes copied a second, over the last seconds. */
const WINDOW_MS = 2_000;

export class CopyRate {
  private startMs = 0;
  private bytes = 0;
  private last = 0;

  add(bytes: number, nowMs: number): void {
    if (nowMs - this.startMs >= WINDOW_MS) this.turn(nowMs);
    this.bytes += bytes;
  }

  /** 0 where nothing was copied for a while. */
  bytesPerSecond(nowMs: number): number {
    const tookMs = nowMs - this.startMs;
    if (tookMs >= 2 * WINDOW_MS) return 0;
    return this.last > 0 || tookMs === 0 ? this.last : (this.bytes * 1_000) / tookMs;
  }

  private turn(nowMs: number): void {
    const tookMs = nowMs - this.startMs;
    this.last = tookMs >= 2 * WINDOW_MS ? 0 : (this.bytes * 1_000) / tookMs;
    this.startMs = nowMs;
    this.bytes = 0;
  }
}
