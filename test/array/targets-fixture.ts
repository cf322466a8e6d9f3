/**
 * An array over the memory store with hosts and LUNs, and a copy manager that ends its copies when a test says so:
 *
 *    CL1-A  LUN 0 db any host   LUN 1 log host `local`   LUN 1 own host `app`   LUN 7 db@monday host `app`
 *    CL2-A  LUN 3 db host `app`
 *
 * Host `local` is user 0, who mounted the array; host `app` is user 1000.
 */
import { ArrayTargets, targetHost } from '../../src/array/target-ports.js';
import type { CopyManager, ScsiTarget } from '../../src/ecopy/scsi-target.js';
import { findHost } from '../../src/san/hosts.js';
import { visibleLuns } from '../../src/san/lun-map.js';
import { ArrayFixture } from './array-fixture.js';

export const LOCAL = 0;
export const APP = 1000;
export const STRANGER = 4711;

/** Copies wait until `end`. */
export class HeldCopies implements CopyManager {
  private readonly waiting: (() => void)[] = [];

  copy(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  get count(): number {
    return this.waiting.length;
  }

  end(): void {
    this.waiting.shift()?.();
  }

  results(): undefined {}
  forget(): void {}
}

export class TargetsFixture {
  readonly copies = new HeldCopies();

  private constructor(readonly fixture: ArrayFixture) {}

  static async open(): Promise<TargetsFixture> {
    const fixture = await ArrayFixture.open();
    const { array } = fixture;
    await fixture.create(4, 'db', 'log', 'own');
    await array.takeSnapshots(['db'], { name: 'monday' });
    await array.san.setHost('app', [APP]);
    await array.san.mapLun('db', { ports: ['CL1-A'], lun: 0, host: 'any' });
    await array.san.mapLun('log', { ports: ['CL1-A'], lun: 1, host: 'local' });
    await array.san.mapLun('own', { ports: ['CL1-A'], lun: 1, host: 'app' });
    await array.san.mapLun('db@monday', { ports: ['CL1-A'], lun: 7, host: 'app' });
    await array.san.mapLun('db', { ports: ['CL2-A'], lun: 3, host: 'app' });
    const opened = new TargetsFixture(fixture);
    // What the array has by itself copies without being told.
    Object.assign(array, { targets: new ArrayTargets(targetHost(array, opened.scsiTarget())) });
    return opened;
  }

  get array() {
    return this.fixture.array;
  }

  get clock() {
    return this.fixture.clock;
  }

  port(name: string) {
    const found = this.array.targets.list().find((port) => port.name === name);
    if (found === undefined) throw new Error(`${name} is no target port`);
    return found;
  }

  openLun(reference: string, uid: number | undefined = LOCAL, write = true, port = 'CL1-A') {
    return this.port(port).openLun(this.array.copy(reference).number, uid, { write });
  }

  events(): string[] {
    return this.array.recentEvents(1_000).map(({ code, message }) => `${code} ${message}`);
  }

  private scsiTarget(): ScsiTarget {
    const { array } = this;
    return {
      serial: array.identity.serial,
      copyManager: this.copies,
      volumes: ({ host: name, port }) => {
        const { configuration } = array.san;
        const host = findHost(configuration, name);
        const mappings = host === undefined ? [] : visibleLuns(configuration, host, port);
        return mappings.map(({ lun, volume }) => {
          const { number, naa, label, sizeBytes } = array.copy(`#${volume}`);
          return { lun, number, naa, label, sizeBytes };
        });
      },
    };
  }
}
