/** Ports, hosts, LUNs and devices of the in-memory array: the real ones, with nothing stored. */
import { ArraySan } from '../../src/array/array-san.js';
import type { DiskArray } from '../../src/array/disk-array.js';
import { ManualClock } from '../support/manual-clock.js';

export function fakeSan(array: Omit<DiskArray, 'san'>): ArraySan {
  const copies = () => array.volumes().flatMap((volume) => [volume, ...volume.snapshots]);
  return new ArraySan({
    serial: array.identity.serial,
    mountingUid: array.defaultOwner.uid,
    clock: new ManualClock(),
    checkWritable: () => {},
    recordEvent: (code, subject, message) => array.recordEvent(code, subject, message),
    load: () => ({
      ...{ controller: [], port: [], portGroup: [], host: [], lunMapping: [], device: [] },
      priority: [],
    }),
    store: () => {},
    durable: async () => {},
    allowFaults: true,
    hasPool: (name) => name === 'pool0',
    prepareDevice: async () => undefined,
    copyNumber: (reference) => array.copy(reference).number,
    copyName: (number) => {
      const copy = copies().find((candidate) => candidate.number === number);
      if (copy === undefined) return undefined;
      return copy.kind === 'volume' ? copy.name : `${copy.volume.name}@${copy.name}`;
    },
  });
}
