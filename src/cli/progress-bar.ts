/**
 * The bar of long work on a terminal: share done, rate, time left. Drawn on stderr and over itself,
 * so that stdout stays the result. Where stderr is not a terminal nothing is drawn at all.
 */
import { type Clock, formatDuration } from '../base/clock.js';
import { formatSize } from '../base/sizes.js';

export interface Progress {
  readonly done: number;
  /** 0 while unknown. */
  readonly total: number;
  readonly unit: 'bytes' | 'blocks' | 'pieces';
}

/** Cells of the bar itself; the texts beside it take about 50 columns. */
const BAR_CELLS = 28;
const CLEAR_LINE = '\r\u001b[K';

export interface BarStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export class ProgressBar {
  private first: { atMs: number; done: number } | undefined;
  private drawn = false;

  constructor(
    private readonly label: string,
    private readonly clock: Clock,
    private readonly stream: BarStream = process.stderr,
  ) {}

  update(progress: Progress): void {
    if (!this.stream.isTTY) return;
    const nowMs = this.clock.monotonicMs();
    this.first ??= { atMs: nowMs, done: progress.done };
    const elapsedSeconds = (nowMs - this.first.atMs) / 1000;
    const rate = elapsedSeconds > 0 ? (progress.done - this.first.done) / elapsedSeconds : 0;
    const line = barLine(this.label, progress, rate);
    this.stream.write(`${CLEAR_LINE}${line.slice(0, (this.stream.columns || 80) - 1)}`);
    this.drawn = true;
  }

  /** Removes the bar; the result is printed where it stood. */
  end(): void {
    if (this.drawn) this.stream.write(CLEAR_LINE);
    this.drawn = false;
  }
}

/** `scrub [#####.....]  50% 1G of 2G  350.1M/s  0:03 left`; `rate` is units per second. */
export function barLine(label: string, progress: Progress, rate: number): string {
  const { done, total, unit } = progress;
  const amount = (value: number) => (unit === 'bytes' ? formatSize(value) : `${Math.round(value)}`);
  const speed = rate > 0 ? `  ${amount(rate)}/s` : '';
  if (total <= 0) return done > 0 ? `${label} ${amount(done)}${speed}` : label;
  const share = Math.min(1, done / total);
  const full = Math.floor(share * BAR_CELLS);
  const bar = `[${'#'.repeat(full)}${'.'.repeat(BAR_CELLS - full)}]`;
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  const left = rate > 0 && done < total ? `  ${formatDuration((total - done) / rate)} left` : '';
  return `${label} ${bar} ${percent} ${amount(done)} of ${amount(total)}${speed}${left}`;
}
