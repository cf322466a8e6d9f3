/**
 * Changes of a generation that the intent log does not have yet: what commands changed, and apart from
 * it what writes change in passing (times, sizes), which is logged when its volume is.
 */
import type { RecordChange, UsageStep } from '../store/tasks.js';
import type { RecordSource } from './record-source.js';

/** A usage step with its place in the order of all steps. */
export interface UsageMark extends UsageStep {
  readonly order: number;
}

export class UnloggedRecords {
  readonly sources = new Set<RecordSource>();
  /** Changed in passing: logged with their volume. */
  readonly passing = new Set<RecordSource>();
  readonly changes = new Map<string, RecordChange>();
  readonly usages: UsageMark[] = [];

  absorb(next: UnloggedRecords): void {
    for (const source of next.sources) this.sources.add(source);
    for (const source of next.passing) this.passing.add(source);
    for (const [name, change] of next.changes) this.changes.set(name, change);
    this.usages.push(...next.usages);
  }

  /** What commands changed is logged. */
  clearCommands(): void {
    this.sources.clear();
    this.changes.clear();
    this.usages.length = 0;
  }
}
