/**
 * What a host did to a family of volumes, one step after the other, and what it must find after a
 * power cut (design.md, "Cache, order and durability").
 *
 * Every sector holds the stamp of the write that wrote it, or 0 (stamps wander when blocks are shared). Each volume has lost the data steps
 * from some point on, its loss, and has all before; the loss lies after its last answered sync.
 * Commands that were answered are there, whatever was lost before them; the one that was not answered
 * is there or not. So a snapshot holds a prefix of what it held, and what was synced before it.
 */

export type Step =
  | { readonly kind: 'create'; readonly volume: string; readonly sectors: number }
  | {
      readonly kind: 'write';
      readonly volume: string;
      readonly sector: number;
      readonly count: number;
      readonly stamp: number;
    }
  /** Zeros inside one block. */
  | {
      readonly kind: 'discard';
      readonly volume: string;
      readonly sector: number;
      readonly count: number;
    }
  /** Whole blocks of another image, by copy_file_range(2), with the stamps they had. */
  | {
      readonly kind: 'share';
      readonly volume: string;
      readonly sector: number;
      readonly source: string;
      readonly sourceSector: number;
      readonly stamps: Stamps;
    }
  | { readonly kind: 'resize'; readonly volume: string; readonly sectors: number }
  | { readonly kind: 'sync'; readonly volume: string }
  | { readonly kind: 'syncAll' }
  | { readonly kind: 'snapshot'; readonly volumes: readonly string[]; readonly name: string }
  | { readonly kind: 'restore'; readonly volume: string; readonly snapshot: string }
  | {
      readonly kind: 'clone';
      readonly volume: string;
      readonly snapshot: string;
      readonly newVolume: string;
    }
  | { readonly kind: 'drop'; readonly volume: string; readonly snapshot: string }
  | { readonly kind: 'delete'; readonly volume: string };

/** Stamp of each sector of an image; -1 where a sector holds several. */
export type Stamps = Int32Array;

/** By `VOLUME` and `VOLUME@SNAPSHOT`. */
export type Copies = ReadonlyMap<string, Stamps>;

export interface Progress {
  /** Steps that were begun, and those of them that were answered: all, or all but the last. */
  readonly begun: number;
  readonly ended: number;
}

const DATA_STEPS: ReadonlySet<string> = new Set(['write', 'discard', 'share', 'resize']);

/** What a step changes at once is lost by a power cut, unless it is synced. */
export function isDataStep(step: Step): boolean {
  return DATA_STEPS.has(step.kind);
}

/** Undefined where the copies found are what the promise allows after these steps; else what is wrong. */
export function brokenPromise(
  steps: readonly Step[],
  { begun, ended }: Progress,
  found: Copies,
): string | undefined {
  const last = steps[ended];
  const isUnsure = begun > ended && last !== undefined && !isDataStep(last);
  const withIt = new FamilyCheck(steps.slice(0, begun), ended, found).problem();
  if (withIt === undefined || !isUnsure) return withIt;
  const withoutIt = new FamilyCheck(steps.slice(0, ended), ended, found).problem();
  return withoutIt && `${withoutIt}; with the unanswered ${last.kind}: ${withIt}`;
}

interface VolumeCourse {
  /** The volume at the end, if it exists, and its snapshots, by their names in `found`. */
  readonly copies: Copies;
  /** What the clones made from it began with. */
  readonly clones: ReadonlyMap<string, Stamps>;
}

class FamilyCheck {
  /** In the order in which they were made; a clone comes after its origin. */
  private readonly volumes: readonly string[];

  constructor(
    private readonly steps: readonly Step[],
    private readonly ended: number,
    private readonly found: Copies,
  ) {
    this.volumes = steps.flatMap((step) => {
      if (step.kind === 'create') return [step.volume];
      return step.kind === 'clone' ? [step.newVolume] : [];
    });
  }

  problem(): string | undefined {
    const known = new Set(this.volumes);
    const stray = [...this.found.keys()].find((name) => !known.has(name.split('@')[0] as string));
    return stray === undefined ? this.problemFrom(0, new Map()) : `${stray} should not be there`;
  }

  /** Searches the losses of the volumes from number `index` on that explain what was found. */
  private problemFrom(index: number, origins: ReadonlyMap<string, Stamps>): string | undefined {
    const volume = this.volumes[index];
    if (volume === undefined) return undefined;
    let problem = '';
    for (const loss of this.possibleLosses(volume)) {
      const course = this.courseOf(volume, loss, origins.get(volume));
      const difference = this.difference(volume, course.copies);
      if (difference !== undefined) {
        problem ||= `${volume} with all before step ${loss}: ${difference}`;
        continue;
      }
      const later = this.problemFrom(index + 1, new Map([...origins, ...course.clones]));
      if (later === undefined) return undefined;
      problem = later;
      // Another loss of this volume matters to the others only through its clones.
      if (course.clones.size === 0) break;
    }
    return problem;
  }

  /** Steps from which on the data of `volume` may be lost; the likeliest first. */
  private possibleLosses(volume: string): number[] {
    const isSync = (step: Step) =>
      step.kind === 'syncAll' || (step.kind === 'sync' && step.volume === volume);
    const least = this.steps.slice(0, this.ended).findLastIndex(isSync) + 1;
    const losses = [this.steps.length];
    for (let index = this.steps.length - 1; index >= least; index -= 1) {
      const step = this.steps[index] as Step;
      if (isDataStep(step) && 'volume' in step && step.volume === volume) losses.push(index);
    }
    const likely = this.lossByStamps(volume);
    return losses.sort((left, right) => Number(right === likely) - Number(left === likely));
  }

  /** The first data step after the newest write that is to be seen in the volume. */
  private lossByStamps(volume: string): number {
    const newest = (this.found.get(volume) ?? new Int32Array()).reduce(
      (most, stamp) => Math.max(most, stamp),
      0,
    );
    const isOf = (step: Step) => isDataStep(step) && 'volume' in step && step.volume === volume;
    const seen = this.steps.findIndex((step) => step.kind === 'write' && step.stamp === newest);
    const next = this.steps.findIndex((step, index) => index > seen && isOf(step));
    return next < 0 ? this.steps.length : next;
  }

  private courseOf(volume: string, loss: number, origin: Stamps | undefined): VolumeCourse {
    const copies = new Map<string, Stamps>();
    const clones = new Map<string, Stamps>();
    this.steps.forEach((step, index) => {
      if (isDataStep(step) && index >= loss) return;
      if (step.kind === 'clone') {
        if (step.newVolume === volume) copies.set(volume, (origin as Stamps).slice());
        if (step.volume !== volume) return;
        clones.set(step.newVolume, copies.get(`${volume}@${step.snapshot}`) as Stamps);
      } else if (step.kind === 'snapshot') {
        if (step.volumes.includes(volume)) applyStep(copies, { ...step, volumes: [volume] });
      } else if (step.kind !== 'syncAll' && step.volume === volume) applyStep(copies, step);
    });
    return { copies, clones };
  }

  private difference(volume: string, expected: Copies): string | undefined {
    for (const name of this.found.keys()) {
      if (name.split('@')[0] === volume && !expected.has(name)) return `${name} should be gone`;
    }
    for (const [name, stamps] of expected) {
      const there = this.found.get(name);
      if (there === undefined) return `${name} is missing`;
      if (there.length !== stamps.length) {
        return `${name} has ${there.length} sectors, not ${stamps.length}`;
      }
      const sector = there.findIndex((stamp, index) => stamp !== stamps[index]);
      if (sector >= 0) return `${name} sector ${sector} is ${there[sector]}, not ${stamps[sector]}`;
    }
    return undefined;
  }
}

/** What the copies hold after the step, nothing lost. */
export function applyStep(copies: Map<string, Stamps>, step: Step): void {
  const of = (name: string) => copies.get(name) as Stamps;
  switch (step.kind) {
    case 'create':
      copies.set(step.volume, new Int32Array(step.sectors));
      return;
    case 'write':
      of(step.volume).fill(step.stamp, step.sector, step.sector + step.count);
      return;
    case 'discard':
      of(step.volume).fill(0, step.sector, step.sector + step.count);
      return;
    case 'share':
      of(step.volume).set(step.stamps, step.sector);
      return;
    case 'resize': {
      const resized = new Int32Array(step.sectors);
      resized.set(of(step.volume).subarray(0, step.sectors));
      copies.set(step.volume, resized);
      return;
    }
    case 'snapshot':
      for (const name of step.volumes) copies.set(`${name}@${step.name}`, of(name).slice());
      return;
    case 'restore':
      copies.set(step.volume, of(`${step.volume}@${step.snapshot}`).slice());
      return;
    case 'clone':
      copies.set(step.newVolume, of(`${step.volume}@${step.snapshot}`).slice());
      return;
    case 'drop':
      copies.delete(`${step.volume}@${step.snapshot}`);
      return;
    case 'delete':
      // With its snapshots.
      for (const name of copies.keys()) if (name.split('@')[0] === step.volume) copies.delete(name);
      return;
    default:
  }
}
