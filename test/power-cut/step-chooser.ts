/** Chooses random steps that make sense for a family of volumes as it is. */
import type { RandomSource } from '../support/random-source.js';
import type { Step } from './history.js';

/** One request of any transport, so that a write is there in full or not at all. */
const WRITE_SECTORS_MAX = 96;
const VOLUME_SECTORS_MIN = 64;
const VOLUME_SECTORS_MAX = 1_024;
/** The first volume: a burst over it needs several transactions. */
const LARGE_SECTORS = 24_576;
const BURST_WRITES = 240;
const VOLUMES_MAX = 4;
const SNAPSHOTS_MAX = 3;

interface VolumeState {
  readonly name: string;
  sectors: number;
  /** Sizes of the snapshots, by name. */
  readonly snapshots: Map<string, number>;
}

export class StepChooser {
  private readonly volumes = new Map<string, VolumeState>();
  private nextName = 1;
  private nextStamp: number;
  private burst = 0;

  /** Names and stamps of a family are its own: what strays into another is seen. */
  constructor(
    private readonly family: number,
    private readonly random: RandomSource,
  ) {
    this.nextStamp = family * 2 ** 24 + 1;
  }

  next(): Step {
    const step = this.choose();
    this.follow(step);
    return step;
  }

  private choose(): Step {
    const { random, volumes } = this;
    if (volumes.size === 0) {
      return { kind: 'create', volume: this.freshName('v'), sectors: LARGE_SECTORS };
    }
    const volume = random.pick([...volumes.values()]);
    const snapshot = random.pick([undefined, ...volume.snapshots.keys()]);
    if (this.burst > 0) return this.writing([...volumes.values()][0] as VolumeState);
    const dice = random.next();
    if (dice < 0.02) this.burst = random.integer(1, BURST_WRITES);
    if (dice < 0.6) return this.writing(volume);
    if (dice < 0.64) return { kind: 'resize', volume: volume.name, sectors: this.sectors() };
    if (dice < 0.76) return { kind: 'sync', volume: volume.name };
    if (dice < 0.77) return { kind: 'syncAll' };
    if (dice < 0.86 && volume.snapshots.size < SNAPSHOTS_MAX) return this.freezing(volume);
    if (snapshot !== undefined) {
      if (dice < 0.89) return { kind: 'restore', volume: volume.name, snapshot };
      if (dice < 0.92 && volumes.size < VOLUMES_MAX) {
        return { kind: 'clone', volume: volume.name, snapshot, newVolume: this.freshName('v') };
      }
      if (dice < 0.96) return { kind: 'drop', volume: volume.name, snapshot };
    }
    if (dice < 0.98 && volumes.size < VOLUMES_MAX) {
      return { kind: 'create', volume: this.freshName('v'), sectors: this.sectors() };
    }
    if (dice < 0.98 || volumes.size === 1) return this.writing(volume);
    return { kind: 'delete', volume: volume.name };
  }

  private writing({ name, sectors }: VolumeState): Step {
    const { random } = this;
    const count = random.integer(1, Math.min(WRITE_SECTORS_MAX, sectors));
    const sector = random.integer(0, sectors - count);
    const stamp = random.chance(0.1) ? 0 : this.nextStamp;
    this.nextStamp += 1;
    this.burst = Math.max(0, this.burst - 1);
    return { kind: 'write', volume: name, sector, count, stamp };
  }

  private freezing(volume: VolumeState): Step {
    const others = [...this.volumes.values()].filter((other) => {
      return other !== volume && other.snapshots.size < SNAPSHOTS_MAX && this.random.chance(0.3);
    });
    const names = [volume, ...others].map(({ name }) => name);
    return { kind: 'snapshot', volumes: names, name: this.freshName('s') };
  }

  private follow(step: Step): void {
    const of = (name: string) => this.volumes.get(name) as VolumeState;
    switch (step.kind) {
      case 'create':
        this.add(step.volume, step.sectors);
        return;
      case 'resize':
        of(step.volume).sectors = step.sectors;
        return;
      case 'snapshot':
        for (const name of step.volumes) of(name).snapshots.set(step.name, of(name).sectors);
        return;
      case 'restore':
        of(step.volume).sectors = of(step.volume).snapshots.get(step.snapshot) as number;
        return;
      case 'clone':
        this.add(step.newVolume, of(step.volume).snapshots.get(step.snapshot) as number);
        return;
      case 'drop':
        of(step.volume).snapshots.delete(step.snapshot);
        return;
      case 'delete':
        this.volumes.delete(step.volume);
        return;
      default:
    }
  }

  private add(name: string, sectors: number): void {
    this.volumes.set(name, { name, sectors, snapshots: new Map() });
  }

  private freshName(letter: string): string {
    this.nextName += 1;
    return `f${this.family}-${letter}${this.nextName}`;
  }

  private sectors(): number {
    return this.random.integer(VOLUME_SECTORS_MIN, VOLUME_SECTORS_MAX);
  }
}
