/** A volume of an array of its own; the variants differ in the words of `init` and `mount`. */
import { ArrayfsMount } from './arrayfs-mount.js';
import type { Target, TargetPlace } from './target.js';

const VOLUME = 'bench';
/** Snapshots there are at a time while a volume is aged. */
const SNAPSHOTS_KEPT = 2;

export interface ArrayfsWords {
  readonly init: readonly string[];
  readonly mount: readonly string[];
}

export class ArrayfsTarget implements Target {
  readonly storesData = true;
  readonly file: string;
  readonly array: ArrayfsMount;
  private isMade = false;

  constructor(
    readonly name: string,
    private readonly place: TargetPlace,
    words: ArrayfsWords,
  ) {
    this.array = new ArrayfsMount(place.cleanup, place.directory, words);
    this.file = this.array.image(VOLUME);
  }

  async start(): Promise<void> {
    if (!this.isMade) await this.array.init();
    await this.array.mount();
    if (!this.isMade) await this.array.control('create', `${VOLUME} ${this.place.imageBytes}`);
    this.isMade = true;
  }

  async stop(): Promise<void> {
    await this.array.unmount();
  }

  async settle(): Promise<void> {
    await this.array.settle();
  }

  daemonPid(): number | undefined {
    return this.array.daemonPid();
  }

  async age(overwrites: number, overwrite: () => Promise<void>): Promise<void> {
    for (let index = 0; index < overwrites; index++) {
      await this.array.control('snapshot', `${VOLUME} name=age-${index}`);
      await overwrite();
      const oldest = index + 1 - SNAPSHOTS_KEPT;
      if (oldest >= 0) await this.array.control('delete', `${VOLUME}@age-${oldest}`);
    }
    for (let index = Math.max(0, overwrites + 1 - SNAPSHOTS_KEPT); index < overwrites; index++) {
      await this.array.control('delete', `${VOLUME}@age-${index}`);
    }
    await this.settle();
  }
}
