/**
 * What an array may hold after a crash: the commands up to some point, and of each line its operations
 * up to a point of its own, neither before what is certain. A snapshot holds what its line then held at
 * its moment; a line that began on a snapshot begins on that.
 */
import type { ArrayHistory, Catalogue, Line, View } from './array-history.js';
import { changedBytes } from './array-model.js';

type Content = ReadonlyMap<string, Uint8Array>;

/** The newest state of the commands that what was found can be; undefined: it can be none. */
export function findState(history: ArrayHistory, found: Content): Catalogue | undefined {
  const catalogues = [...history.catalogues].reverse();
  return catalogues.find((catalogue) => {
    return hasNames(catalogue, found) && new Cuts(catalogue, found).exist();
  });
}

/** Why nothing fits, for the reader of a failed test. */
export function explain(history: ArrayHistory, found: Content): string {
  const lines = [`found ${[...found.keys()].sort().join(' ')}`];
  for (const catalogue of [...history.catalogues].reverse()) {
    const cuts = new Cuts(catalogue, found);
    const misfits = hasNames(catalogue, found) ? `no cut fits: ${cuts.misfits()}` : 'names differ';
    lines.push(`${namesOf(catalogue).join(' ')}: ${misfits}`);
  }
  return lines.join('\n');
}

function namesOf(catalogue: Catalogue): string[] {
  const names: string[] = [];
  for (const [name, { snapshots }] of catalogue) {
    names.push(name, ...[...snapshots.keys()].map((snapshot) => `${name}@${snapshot}`));
  }
  return names.sort();
}

function hasNames(catalogue: Catalogue, found: Content): boolean {
  return namesOf(catalogue).join() === [...found.keys()].sort().join();
}

/** Something that was found: a volume (no view) or a snapshot of a line. */
interface Sight {
  readonly name: string;
  readonly view: View | undefined;
}

/** Looks for a cut of each line such that all that was found is shown. */
class Cuts {
  private readonly sights = new Map<Line, Sight[]>();
  private readonly lines: Line[];
  /** Operations of a line that can be seen at all. */
  private readonly seen = new Map<Line, number>();
  /** Of each line cut so far: its states from `certain` on, and the cut. */
  private readonly chosen = new Map<Line, { states: Uint8Array[]; cut: number }>();
  /** Lines whose sights no cut fitted, where all before them fitted. */
  private readonly failed = new Set<Line>();

  constructor(
    catalogue: Catalogue,
    private readonly found: Content,
  ) {
    for (const [name, { line, snapshots }] of catalogue) {
      this.add(line, line.count, { name, view: undefined });
      for (const [snapshot, view] of snapshots) {
        const count = view.isCertain ? 0 : view.count;
        this.add(view.line, count, { name: `${name}@${snapshot}`, view });
      }
    }
    // A line is younger than the one it began on.
    this.lines = [...this.sights.keys()].sort((a, b) => a.number - b.number);
  }

  exist(): boolean {
    return this.choose(0);
  }

  misfits(): string {
    this.exist();
    const lines = [...this.failed].map((line) => {
      const sights = this.sights.get(line) as Sight[];
      const names = sights.map(({ name, view }) => `${name}${view ? `:${view.count}` : ''}`);
      const kinds = line.operations.map(describe);
      return `[${names} certain ${line.certain} of ${line.count}: ${kinds}]`;
    });
    return lines.join('; ');
  }

  private add(line: Line, seen: number, sight: Sight | undefined): void {
    const sights = this.sights.get(line) ?? [];
    this.sights.set(line, sights);
    this.seen.set(line, Math.max(seen, line.certain, this.seen.get(line) ?? 0));
    if (sight !== undefined) sights.push(sight);
    const { base } = line;
    if (base !== undefined && !base.isCertain) this.add(base.line, base.count, undefined);
  }

  private choose(index: number): boolean {
    const line = this.lines[index];
    if (line === undefined) return true;
    const states = this.states(line);
    let fitted = false;
    for (let cut = this.seen.get(line) as number; cut >= line.certain; cut -= 1) {
      this.chosen.set(line, { states, cut });
      if (!this.fits(line)) continue;
      fitted = true;
      if (this.choose(index + 1)) return true;
    }
    if (!fitted) this.failed.add(line);
    this.chosen.delete(line);
    return false;
  }

  private states(line: Line): Uint8Array[] {
    let bytes = line.certainBytes;
    if (line.base !== undefined && !line.base.isCertain) bytes = this.bytesOf(line.base);
    const states = [bytes];
    for (const operation of line.operations) {
      bytes = changedBytes(bytes, operation);
      states.push(bytes);
    }
    return states;
  }

  private bytesOf({ line, count }: View): Uint8Array {
    const { states, cut } = this.chosen.get(line) as { states: Uint8Array[]; cut: number };
    return states[Math.min(cut, count) - line.certain] as Uint8Array;
  }

  private fits(line: Line): boolean {
    const { states, cut } = this.chosen.get(line) as { states: Uint8Array[]; cut: number };
    return (this.sights.get(line) as Sight[]).every(({ name, view }) => {
      let bytes = states[cut - line.certain] as Uint8Array;
      if (view !== undefined) bytes = view.isCertain ? view.bytes : this.bytesOf(view);
      return Buffer.compare(bytes, this.found.get(name) as Uint8Array) === 0;
    });
  }
}

function describe(operation: Line['operations'][number]): string {
  if (operation.kind === 'resize') return `resize ${operation.size}`;
  const size = operation.kind === 'discard' ? operation.size : operation.data.length;
  return `${operation.kind} ${operation.offset}+${size}`;
}
