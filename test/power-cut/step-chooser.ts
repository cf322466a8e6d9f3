/** Chooses random steps that make sense for a family of volumes as it is. */
import type { RandomSource } from '../support/random-source.js';
import { applyStep, type Stamps, type Step } from './history.js';

/** One request of any transport, so that a write is there in full or not at all. */
const WRITE_SECTORS_MAX = 96;
const BLOCK_SECTORS = 32;
/** Also one request. */
const SHARED_BLOCKS_MAX = 4;
const VOLUME_SECTORS_MIN = 64;
const VOLUME_SECTORS_MAX = 1_024;
/** The large volume takes bursts of writes that no log takes, in several transactions. */
const LARGE_SECTORS = 24_576;
const BURST_WRITES_MAX = 150;
const VOLUMES_MAX = 5;
const SNAPSHOTS_MAX = 3;

export class StepChooser {
  /** What everything holds now, by `VOLUME` and `VOLUME@SNAPSHOT`. */
  private readonly copies = new Map<string, Stamps>();
  private nextName = 1;
  private nextStamp: number;
  private burst = 0;

  /** Names and stamps of a family are its own: what strays into another is seen. */
  constructor(
    private readonly family: number,
    private readonly random: RandomSource,
    /** Steps that only the kernel transport passes on. */
    private readonly hasRanges: boolean,
  ) {
    this.nextStamp = family * 2 ** 24 + 1;
  }

  next(): Step {
    const step = this.choose();
    applyStep(this.copies, step);
    return step;
  }

  private choose(): Step {
    const { random } = this;
    const volumes = [...this.copies.keys()].filter((name) => !name.includes('@'));
    const large = volumes.find((name) => this.sectors(name) >= LARGE_SECTORS);
    if (large === undefined) {
      return { kind: 'create', volume: this.freshName('v'), sectors: LARGE_SECTORS };
    }
    if (this.burst > 0) {
      this.burst -= 1;
      return this.writing(large, WRITE_SECTORS_MAX);
    }
    const volume = random.pick(volumes);
    const dice = random.next();
    if (dice < 0.01) this.burst = random.integer(1, BURST_WRITES_MAX);
    if (dice < 0.5) return this.writing(volume, random.integer(1, WRITE_SECTORS_MAX));
    if (dice < 0.56) return this.ranging(volume);
    if (dice < 0.6) {
      const sectors = this.size() + (volume === large ? LARGE_SECTORS : 0);
      return { kind: 'resize', volume, sectors };
    }
    if (dice < 0.73) return { kind: 'sync', volume };
    if (dice < 0.74) return { kind: 'syncAll' };
    return this.commanding(volume, volumes, (dice - 0.74) / 0.26);
  }

  private commanding(volume: string, volumes: readonly string[], dice: number): Step {
    const { random } = this;
    const snapshots = this.snapshots(volume);
    if (dice < 0.35 && snapshots.length < SNAPSHOTS_MAX) return this.freezing(volume, volumes);
    if (dice < 0.75 && snapshots.length > 0) {
      const snapshot = random.pick(snapshots);
      if (dice < 0.5) return { kind: 'restore', volume, snapshot };
      if (dice < 0.62 && volumes.length < VOLUMES_MAX) {
        return { kind: 'clone', volume, snapshot, newVolume: this.freshName('v') };
      }
      return { kind: 'drop', volume, snapshot };
    }
    if (dice < 0.9 && volumes.length < VOLUMES_MAX) {
      return { kind: 'create', volume: this.freshName('v'), sectors: this.size() };
    }
    if (dice > 0.93) return { kind: 'delete', volume };
    return { kind: 'sync', volume };
  }

  private writing(volume: string, wanted: number): Step {
    const { random } = this;
    const count = Math.min(wanted, this.sectors(volume));
    const sector = random.integer(0, this.sectors(volume) - count);
    const stamp = random.chance(0.1) ? 0 : this.nextStamp;
    this.nextStamp += 1;
    return { kind: 'write', volume, sector, count, stamp };
  }

  private ranging(volume: string): Step {
    const { random } = this;
    const blocks = Math.floor(this.sectors(volume) / BLOCK_SECTORS);
    if (!this.hasRanges) return { kind: 'sync', volume };
    const sector = random.integer(0, blocks - 1) * BLOCK_SECTORS;
    if (random.chance(0.5)) {
      const first = random.chance(0.5) ? 0 : random.integer(0, BLOCK_SECTORS - 1);
      const count = first === 0 ? BLOCK_SECTORS : random.integer(1, BLOCK_SECTORS - first);
      return { kind: 'discard', volume, sector: sector + first, count };
    }
    const source = random.pick([...this.copies.keys()].filter((name) => name !== volume));
    if (source === undefined) return { kind: 'sync', volume };
    const sourceBlocks = Math.floor(this.sectors(source) / BLOCK_SECTORS);
    const sourceBlock = random.integer(0, sourceBlocks - 1);
    const count = Math.min(
      random.integer(1, SHARED_BLOCKS_MAX),
      sourceBlocks - sourceBlock,
      blocks - sector / BLOCK_SECTORS,
    );
    const sourceSector = sourceBlock * BLOCK_SECTORS;
    const stamps = (this.copies.get(source) as Stamps).slice(
      sourceSector,
      sourceSector + count * BLOCK_SECTORS,
    );
    return { kind: 'share', volume, sector, source, sourceSector, stamps };
  }

  private freezing(volume: string, volumes: readonly string[]): Step {
    const others = volumes.filter((other) => {
      const hasRoom = this.snapshots(other).length < SNAPSHOTS_MAX;
      return other !== volume && hasRoom && this.random.chance(0.3);
    });
    return { kind: 'snapshot', volumes: [volume, ...others], name: this.freshName('s') };
  }

  private snapshots(volume: string): string[] {
    return [...this.copies.keys()].flatMap((name) => {
      const [of, snapshot] = name.split('@');
      return of === volume && snapshot !== undefined ? [snapshot] : [];
    });
  }

  private sectors(copy: string): number {
    return (this.copies.get(copy) as Stamps).length;
  }

  private freshName(letter: string): string {
    this.nextName += 1;
    return `f${this.family}-${letter}${this.nextName}`;
  }

  private size(): number {
    return this.random.integer(VOLUME_SECTORS_MIN, VOLUME_SECTORS_MAX);
  }
}
