/**
 * An array of two pools with its copy manager. Host `local` sees at CL1-A: LUN 0 db, 1 db2, 2 far (in the other pool);
 * `hidden` is mapped for another host.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ecopies } from '../../src/array/ecopies.js';
import { EXTENDED_COPY } from '../../src/ecopy/copy-commands.js';
import { executeCommand } from '../../src/ecopy/scsi-port.js';
import type { Nexus, ScsiAnswer } from '../../src/ecopy/scsi-target.js';
import { initialSan, type SanConfiguration } from '../../src/san/configuration.js';
import { addDevice } from '../../src/san/devices.js';
import { setHost } from '../../src/san/hosts.js';
import { mapLun } from '../../src/san/lun-map.js';
import { makeLibrary } from '../device/device-cases.js';
import { listOf } from '../ecopy/list-builder.js';
import { bytesOf, hexOf } from '../ecopy/worked-examples.js';
import { RandomSource } from '../support/random-source.js';
import { makeScratch } from '../support/scratch-directory.js';
import { DirectPath } from './direct-path.js';
import { type MountOptions, PoolsFixture } from './pools-fixture.js';

export const NEXUS: Nexus = { host: 'local', port: 'CL1-A' };
/** What is written to `db` at first. */
export const CONTENT = Buffer.from(new RandomSource(5).bytes(2 ** 20));
const LUN_0 = bytesOf('00'.repeat(8));

export class CopyFixture {
  san: SanConfiguration = setHost(initialSan(0), 'other', [1]);
  ecopies!: Ecopies;

  private constructor(readonly pools: PoolsFixture) {}

  /** Volumes of these sizes, in bytes. */
  static async open(
    sizes: Readonly<Record<'db' | 'db2' | 'far' | 'hidden', number>>,
    mount: MountOptions = {},
  ): Promise<CopyFixture> {
    const fixture = new CopyFixture(await PoolsFixture.open(mount));
    for (const [name, sizeBytes] of Object.entries(sizes)) {
      const poolName = name === 'far' ? 'mirror' : 'main';
      await fixture.drive(fixture.array.createVolume({ name, sizeBytes, poolName }));
      fixture.map(name, name === 'hidden' ? 'other' : 'local');
    }
    fixture.begin();
    return fixture;
  }

  /** Volumes of 8 MiB, with CONTENT at the beginning of `db`. */
  static async openWritten(mount: MountOptions = {}): Promise<CopyFixture> {
    const sizeBytes = 8 * 2 ** 20;
    const sizes = { db: sizeBytes, db2: sizeBytes, far: sizeBytes, hidden: sizeBytes };
    const fixture = await CopyFixture.open(sizes, mount);
    await fixture.write('db', 0, CONTENT);
    return fixture;
  }

  /** Descriptors of db, db2 and far. */
  get targets(): string[] {
    return ['db', 'db2', 'far'].map((name) => this.descriptor(name));
  }

  /** Segments between these three. */
  list(...segments: string[]): Uint8Array {
    return listOf({ flags: '0100', targets: this.targets, segments });
  }

  get array() {
    return this.pools.array;
  }

  /** The copy manager of a new mount. */
  begin(): void {
    this.ecopies = new Ecopies(this.array, () => this.san, new DirectPath());
    this.ecopies.takeUp();
  }

  map(name: string, host: string): void {
    const taken = this.san.mappings.filter((mapping) => mapping.host === host).length;
    const volume = this.array.copy(name).number;
    this.san = mapLun(this.san, { port: 'CL1-A', lun: taken, host, volume });
  }

  /** Adds `tape0`, a library of three empty cartridges; its directory. */
  addTape(sizes: Parameters<typeof makeLibrary>[0] = {}, parent = makeScratch()): string {
    const path = makeLibrary(sizes, parent);
    this.san = addDevice(this.san, { name: 'tape0', kind: 'tape', path });
    return path;
  }

  /** Adds `disk0`, a file that need not be there yet; its path. */
  addDisk(content?: Uint8Array): string {
    const path = join(makeScratch(), 'disk.img');
    if (content !== undefined) writeFileSync(path, content);
    this.san = addDevice(this.san, { name: 'disk0', kind: 'disk', path });
    return path;
  }

  drive<T>(work: Promise<T>): Promise<T> {
    return this.pools.clock.drive(work);
  }

  /** E4h with the NAA identifier. */
  descriptor(name: string, blockBytes = 512, flags = 0): string {
    const naa = this.array.copy(name).naa;
    const parameters = [flags, ...Buffer.from([blockBytes >> 16, blockBytes >> 8, blockBytes])];
    return `e4000000 01030010 ${naa} 00000000 ${hexOf(Uint8Array.from(parameters))}`;
  }

  /** The answer to EXTENDED COPY with this list. */
  send(list: Uint8Array, nexus: Nexus = NEXUS): Promise<ScsiAnswer> {
    const cdb = Buffer.alloc(16);
    cdb[0] = EXTENDED_COPY;
    cdb.writeUInt32BE(list.length, 10);
    return executeCommand({ ...nexus, lun: LUN_0, cdb, dataOut: list }, this.ecopies);
  }

  /** `good`, `busy`, or the sense as hex. */
  async copy(list: Uint8Array, nexus: Nexus = NEXUS): Promise<string> {
    const { status, sense } = await this.drive(this.send(list, nexus));
    return { 0: 'good', 8: 'busy' }[status] ?? hexOf(sense);
  }

  /** Status and data of RECEIVE COPY RESULTS, as hex. */
  async results(
    action: string,
    { id = '01', bytes = 'ffff', ...nexus }: Partial<Nexus> & { id?: string; bytes?: string } = {},
  ): Promise<string> {
    const cdb = bytesOf(`84 ${action} ${id} ${'00'.repeat(7)} ${bytes.padStart(8, '0')} 0000`);
    const request = { ...NEXUS, ...nexus, lun: LUN_0, cdb, dataOut: new Uint8Array() };
    const { status, dataIn } = await executeCommand(request, this.ecopies);
    return status === 0 ? hexOf(dataIn) : `status ${status}`;
  }

  async write(name: string, offset: number, data: Uint8Array): Promise<void> {
    const image = this.array.openImage(this.array.volume(name), { write: true });
    try {
      await this.drive(Promise.resolve(image.write(offset, data)));
    } finally {
      image.close();
    }
  }

  async content(reference: string): Promise<Buffer> {
    const copy = this.array.copy(reference);
    const image = this.array.openImage(copy, { write: false });
    const target = Buffer.alloc(copy.sizeBytes, 0xee);
    await this.drive(Promise.resolve(image.read(0, target)));
    image.close();
    return target;
  }

  /** Hidden snapshots that copies have taken. */
  frozen(): number {
    return this.array.copies.hiddenSnapshots().filter(({ name }) => name.startsWith('.ecopy-'))
      .length;
  }
}

/** What `to` holds at this place is what `from` holds there. */
export function isCopied(
  from: Buffer,
  [start, length]: readonly [number, number],
  to: Buffer,
  at: number,
): boolean {
  return from.subarray(start, start + length).equals(to.subarray(at, at + length));
}

/** 02h, from LBA to LBA. */
export function blocks(
  [source, destination]: readonly [number, number],
  [from, to]: readonly [number, number],
  count: number,
  flags = '00',
): string {
  const u16 = (value: number) => value.toString(16).padStart(4, '0');
  const u64 = (value: number) => value.toString(16).padStart(16, '0');
  return `02${flags}0018${u16(source)}${u16(destination)}0000${u16(count)}${u64(from)}${u64(to)}`;
}
