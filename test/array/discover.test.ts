/** Discovery: every device is asked through every port that has it in its zone, and the table shows what came of it. */
import { describe, expect, it } from 'vitest';
import type { StorageArray } from '../../src/array/array.js';
import type { PortProbe, ProbeRequest } from '../../src/array/backup-path.js';
import { NoMicroprocessors } from '../../src/array/no-microprocessors.js';
import type { MediumInfo } from '../../src/device/backup-device.js';
import type { PortId } from '../../src/san/port-id.js';
import type { SearchReason } from '../../src/san/search-reasons.js';
import { tableNamed } from '../control/table-named.js';
import { ManualClock } from '../support/manual-clock.js';
import { newMemoryStore, openMemoryPools } from '../support/memory-array.js';
import { MemoryPlaces } from '../support/memory-places.js';

const CARTRIDGE = { name: 'AFS001', slot: 1, usedBytes: 81_920, isProtected: false };

/** Answers what a test has put in, for each device and port. */
class ScriptedPath extends NoMicroprocessors {
  readonly answers = new Map<string, SearchReason>();
  readonly asked: string[] = [];
  changes = 0;
  media: readonly MediumInfo[] = [CARTRIDGE];

  override async probe({ device, ports }: ProbeRequest): Promise<readonly PortProbe[]> {
    const usable = ports();
    const probes = usable.ports.map((port): PortProbe => {
      const reason = this.answers.get(`${device.name} ${port}`) ?? 'missing';
      this.asked.push(`${device.definition.kind} ${device.definition.path} ${port}`);
      const sighting = { device: device.definition.kind, media: this.media };
      return reason === 'found'
        ? { port, reason, detail: '', sighting }
        : { port, reason, detail: `it is ${reason}` };
    });
    return [...probes, ...usable.refused.map((result) => ({ ...result, detail: '' }))];
  }

  override portsChanged(): void {
    this.changes += 1;
  }
}

async function openWith(path: ScriptedPath): Promise<{ array: StorageArray; clock: ManualClock }> {
  const clock = new ManualClock();
  const places = new MemoryPlaces(clock, [['memory', newMemoryStore(clock)]]);
  const array = await openMemoryPools(places, 'memory', clock, { backupPath: () => path });
  const ports: PortId[] = ['CL1-C', 'CL2-C'];
  await array.san.addDevice({ name: 'tape0', kind: 'tape', path: '/srv/tapes', ports });
  await array.san.addDevice({ name: 'disk0', kind: 'disk', path: '/srv/disk', ports: ['CL1-D'] });
  return { array, clock };
}

async function discovered(array: StorageArray, names: readonly string[] = []): Promise<string> {
  const job = await array.discover(names);
  await array.jobList.get(job.id).whenEnded();
  return `${array.job(job.id).state}: ${array.job(job.id).message}`;
}

const devices = (array: StorageArray) =>
  JSON.parse(tableNamed('devices').json(array)) as {
    state: string;
    mediaCount: number | null;
    media: unknown;
    searches: { port: string; reason: string }[];
  }[];

describe('a discovery', () => {
  it('asks every device through the ports of its zone, and shows what it found', async () => {
    const path = new ScriptedPath();
    path.answers.set('tape0 CL2-C', 'found').set('disk0 CL1-D', 'busy');
    const { array } = await openWith(path);
    expect(await discovered(array)).toMatch(
      /^done: 1 of 2 devices available; disk0 is not available: port CL1-D: it is busy; ports CL1-C, CL2-C, CL2-D have no path/,
    );
    expect(path.asked).toEqual([
      'tape /srv/tapes CL1-C',
      'tape /srv/tapes CL2-C',
      'disk /srv/disk CL1-D',
    ]);
    const [tape, disk] = devices(array);
    expect(tape).toMatchObject({ state: 'available', mediaCount: 1, media: [CARTRIDGE] });
    expect(disk).toMatchObject({ state: 'busy', mediaCount: null, media: null });
    expect(tape?.searches).toHaveLength(4);
    expect(tape?.searches.slice(-2)).toMatchObject([
      { port: 'CL1-C', reason: 'missing' },
      { port: 'CL2-C', reason: 'found' },
    ]);
  });

  it('tells of cartridges that have the labels of others', async () => {
    const path = new ScriptedPath();
    path.media = [CARTRIDGE, { ...CARTRIDGE, name: 'AFS002', slot: 2, labelOf: 'AFS003' }];
    path.answers.set('tape0 CL1-C', 'found');
    const { array } = await openWith(path);
    expect(await discovered(array, ['tape0'])).toBe(
      'done: 1 of 1 devices available; tape0/AFS002 has the label of AFS003',
    );
    expect(tableNamed('devices').text(array)).toMatch(/ 2 \(1 mislabelled\) /);
  });

  it('is of the devices that are named', async () => {
    const path = new ScriptedPath();
    const { array } = await openWith(path);
    expect(await discovered(array, ['disk0', 'disk0'])).toMatch(/^done: 0 of 1 devices available/);
    expect(path.asked).toEqual(['disk /srv/disk CL1-D']);
    await expect(array.discover(['disk1'])).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('asks through no port that is down, and says so', async () => {
    const path = new ScriptedPath();
    const { array } = await openWith(path);
    await array.san.changePorts(['CL1-D'], { state: 'down' });
    expect(await discovered(array, ['disk0'])).toContain('port CL1-D is down');
    expect(path.asked).toEqual([]);
    expect(devices(array)[1]?.state).not.toBe('available');
  });

  it('is not needed to tell what a device has that was just defined; after a mount it is', async () => {
    const clock = new ManualClock();
    const places = new MemoryPlaces(clock, [['memory', newMemoryStore(clock)]]);
    const array = await openMemoryPools(places, 'memory', clock, {
      prepareDevice: async ({ kind }) => (kind === 'tape' ? [CARTRIDGE] : undefined),
    });
    await array.san.addDevice({ name: 'tape0', kind: 'tape', path: '/srv/tapes' });
    await array.san.addDevice({ name: 'disk0', kind: 'disk', path: '/srv/disk' });
    const shown = () => devices(array).map(({ state, mediaCount }) => [state, mediaCount]);
    expect(shown()).toEqual([
      ['unknown', 1],
      ['unknown', null],
    ]);
    expect(tableNamed('devices').text(array)).toMatch(/^disk0 +disk +.* unknown \(discover\) /m);
  });

  it('is forgotten when other ports reach the device', async () => {
    const path = new ScriptedPath();
    path.answers.set('tape0 CL1-C', 'found');
    const { array } = await openWith(path);
    await discovered(array, ['tape0']);
    await array.san.connectDevice('tape0', ['CL2-D']);
    expect(devices(array)[0]).toMatchObject({ state: 'unknown', searches: [], media: null });
  });

  it('that is cancelled does not wait for a device that hangs', async () => {
    const path = new ScriptedPath();
    path.probe = () => new Promise(() => {});
    const { array } = await openWith(path);
    const job = await array.discover([]);
    await array.cancelJob(job.id);
    expect(array.job(job.id)).toMatchObject({ state: 'cancelled', done: 1 });
  });

  it('needs a device', async () => {
    const { array } = await openWith(new ScriptedPath());
    for (const name of ['tape0', 'disk0']) await array.san.deleteDevice(name);
    await expect(array.discover([])).rejects.toMatchObject({ code: 'EINVAL' });
  });
});

describe('the way to devices', () => {
  it('is told when ports, controllers or faults have changed', async () => {
    const path = new ScriptedPath();
    const { array } = await openWith(path);
    const before = path.changes;
    await array.san.changePorts(['CL1-D'], { state: 'down' });
    await array.san.changeController('CL2', 'down');
    expect(path.changes).toBe(before + 2);
  });

  it('finds no microprocessor in an array that was put together without any', async () => {
    const clock = new ManualClock();
    const places = new MemoryPlaces(clock, [['memory', newMemoryStore(clock)]]);
    const array = await openMemoryPools(places, 'memory', clock);
    await array.san.addDevice({ name: 'tape0', kind: 'tape', path: '/srv/tapes' });
    expect(await discovered(array)).toContain('CL2-D have no microprocessor that runs');
    expect(array.microprocessors()).toEqual([]);
  });
});
