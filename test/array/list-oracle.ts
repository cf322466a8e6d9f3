/** Sends parameter lists to an array and to the byte model: both must end alike, and hold the same bytes afterwards. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { CopyFixture } from './copy-fixture.js';
import { modelCopy } from './copy-model.js';
import type { MediumOf } from './copy-model-sides.js';
import type { TapeModel } from './tape-model.js';

/** Volumes are compared once for so many lists. */
const LISTS_PER_LOOK = 50;

export interface ModelMedia {
  readonly volumes: ReadonlyMap<string, Buffer>;
  readonly mediumOf: MediumOf;
  /** Cartridges by their names, and where their files are. */
  readonly tapes?: ReadonlyMap<string, TapeModel>;
  readonly library?: string;
}

export class ListOracle {
  constructor(
    private readonly fixture: CopyFixture,
    private readonly media: ModelMedia,
  ) {}

  /** How the lists ended, the numbers of segments left out. */
  async run(lists: Iterable<Uint8Array>): Promise<Set<string>> {
    const seen = new Set<string>();
    let count = 0;
    for (const list of lists) {
      this.rewind();
      const expected = modelCopy(list, this.media.mediumOf);
      const real = await this.send(list);
      if (real !== expected)
        expect(`list ${count}: ${real} ${Buffer.from(list).toString('hex')}`).toBe(expected);
      this.compareTapes(`list ${count}`);
      seen.add(real.replace(/(?<=^0a .. ..) .*/, ''));
      count += 1;
      if (count % LISTS_PER_LOOK === 0) await this.look(`list ${count}`);
    }
    await this.look('the end');
    expect([this.fixture.frozen(), await this.fixture.pools.findings()]).toEqual([0, []]);
    return seen;
  }

  private async send(list: Uint8Array): Promise<string> {
    const { status, sense } = await this.fixture.send(list);
    if (status === 0) return 'good';
    const [key, asc, ascq] = [sense[2], sense[12], sense[13]].map((code = 0) =>
      code.toString(16).padStart(2, '0'),
    );
    const segment = key === '0a' ? ` ${Buffer.from(sense).readUInt16BE(10)}` : '';
    return `${key} ${asc} ${ascq}${segment}`;
  }

  private async look(what: string): Promise<void> {
    await this.fixture.drive(this.fixture.array.sync());
    for (const [name, bytes] of this.media.volumes) {
      const isEqual = (await this.fixture.content(name)).equals(bytes);
      if (!isEqual) expect(`${what}: ${name} differs`).toBe('');
    }
  }

  private rewind(): void {
    for (const tape of this.media.tapes?.values() ?? []) tape.place = 0;
  }

  private compareTapes(what: string): void {
    const { tapes, library = '' } = this.media;
    for (const [name, tape] of tapes ?? []) {
      const isEqual = readFileSync(join(library, `${name}.tap`)).equals(tape.bytes());
      if (!isEqual) expect(`${what}: cartridge ${name} differs`).toBe('');
    }
  }
}

/** Makes the cartridges hold what their models do. */
export function writeTapes({ tapes, library = '' }: ModelMedia): void {
  for (const [name, tape] of tapes ?? []) {
    writeFileSync(join(library, `${name}.tap`), tape.bytes());
  }
}
