/** A configuration on its way through the store: changed records alone, and back to the same. */
import { describe, expect, it } from 'vitest';
import { packSanRecord } from '../../src/array/san-records.js';
import { initialSan, type SanConfiguration } from '../../src/san/configuration.js';
import { addDevice, deleteDevice } from '../../src/san/devices.js';
import { deleteHost, setHost } from '../../src/san/hosts.js';
import { mapLun, unmapLun } from '../../src/san/lun-map.js';
import { setGroup } from '../../src/san/port-groups.js';
import { changeController, changePort, setReach } from '../../src/san/ports.js';
import {
  changedRecords,
  restoreSan,
  type SanRecordChange,
  type SanRecordKind,
  type StoredSan,
} from '../../src/san/stored-configuration.js';
import { ratioRule } from '../../src/san/turns.js';
import { recordKey } from '../../src/store/keys.js';
import {
  unpackController,
  unpackDevice,
  unpackHost,
  unpackLunMapping,
  unpackPort,
  unpackPortGroup,
  unpackPriority,
} from '../../src/store/san-records.js';

const EMPTY: StoredSan = {
  controller: [],
  port: [],
  portGroup: [],
  host: [],
  lunMapping: [],
  device: [],
  priority: [],
};

/** What the array does: keys and values of a pool. */
class Records {
  readonly values = new Map<string, { kind: SanRecordKind; value: Uint8Array }>();

  apply(changes: readonly SanRecordChange[]): void {
    for (const change of changes) {
      const { kind, first, second } = change;
      const value = packSanRecord(change);
      const key = Buffer.from(recordKey(kind, first, second)).toString('hex');
      if (value === undefined) this.values.delete(key);
      else this.values.set(key, { kind, value });
    }
  }

  stored(): StoredSan {
    const of = (kind: SanRecordKind) =>
      [...this.values.values()].filter((record) => record.kind === kind).map(({ value }) => value);
    return {
      controller: of('controller').map(unpackController),
      port: of('port').map(unpackPort),
      portGroup: of('portGroup').map(unpackPortGroup),
      host: of('host').map(unpackHost),
      lunMapping: of('lunMapping').map(unpackLunMapping),
      device: of('device').map(unpackDevice),
      priority: of('priority').map(unpackPriority),
    };
  }
}

const steps: ((san: SanConfiguration) => SanConfiguration)[] = [
  (san) => setHost(san, 'alpha', [1000, 4_294_967_295]),
  (san) => setGroup(san, { name: 'g1', targets: ['CL1-A'], initiators: ['CL2-D', 'CL1-C'] }),
  (san) => mapLun(san, { port: 'CL2-B', lun: 16_383, host: 'alpha', volume: 7 }),
  (san) => mapLun(san, { port: 'CL2-B', lun: 16_383, host: 'any', volume: 8 }),
  (san) => changePort(san, 'CL1-B', { role: 'both', usage: 'backup', state: 'down' }, false),
  (san) => addDevice(san, { name: 'tape0', kind: 'tape', path: '/srv', ports: ['CL1-D'] }),
  (san) => setReach(san, 'tape0', ['CL1-C', 'CL2-D']),
  (san) => changeController(san, 'CL2', 'down'),
  (san) => unmapLun(san, { port: 'CL2-B', lun: 16_383, host: 'alpha' }),
  (san) => deleteHost(san, 'alpha'),
  (san) => deleteDevice(san, 'tape0', false),
  (san) => ({ ...san, priority: ratioRule('3:1', 'bytes') }),
  (san) => ({ ...san, priority: { ...san.priority, online: { unit: 'ms', value: 60_000 } } }),
];

describe('a configuration in the store', () => {
  it('comes back the same after every command', () => {
    const records = new Records();
    let san = initialSan(5);
    records.apply(changedRecords(undefined, san));
    for (const step of steps) {
      const next = step(san);
      records.apply(changedRecords(san, next));
      san = next;
      expect(restoreSan(records.stored(), 0)).toEqual({ san, problems: [] });
    }
  });

  it('stores only what a command changed', () => {
    const counts = steps.map(
      ((san) => (step) => {
        const before = san;
        san = step(san);
        return changedRecords(before, san).map(({ kind }) => kind);
      })(initialSan(5)),
    );
    expect(counts).toEqual([
      ['host'],
      ['portGroup'],
      ['lunMapping'],
      ['lunMapping'],
      ['port'],
      ['port', 'device'],
      ['port', 'port', 'port'],
      ['controller'],
      ['lunMapping'],
      ['host'],
      ['device', 'port', 'port'],
      ['priority'],
      ['priority'],
    ]);
  });

  it('is that of a new array where nothing was ever stored', () => {
    expect(restoreSan(EMPTY, 7)).toEqual({ san: initialSan(7), problems: [] });
  });

  it('leaves out what it does not understand, and says so', () => {
    const records = new Records();
    records.apply(changedRecords(undefined, initialSan(5)));
    const stored = records.stored();
    const [first, ...others] = stored.port;
    const { san, problems } = restoreSan(
      {
        ...stored,
        port: [{ ...first, id: 'CL1-A', role: 'mirror' } as never, ...others],
        portGroup: [{ number: 1, name: 'g', targets: ['CL9-A'], initiators: [] }],
        lunMapping: [{ port: 'CL1-A', lun: 0, host: 'gone', volume: 1 }],
        device: [{ number: 1, name: 'd', kind: 'floppy', path: '/dev/fd0' }],
        priority: [
          { online: { unit: 'pages' as never, value: 1 }, backup: { unit: 'ms', value: 1 } },
        ],
      },
      0,
    );
    expect(san).toEqual(initialSan(5));
    expect(problems.map((text) => text.replace(/\{.*\}/, '...'))).toEqual([
      'port ... is not understood',
      'port group ... is not understood',
      'LUN mapping ... is not understood',
      'device ... is not understood',
      'priority ... is not understood',
    ]);
  });
});
