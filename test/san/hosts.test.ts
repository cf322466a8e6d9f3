/** Hosts, LUN mapping and masking: what is hidden looks like what is not there. */
import { describe, expect, it } from 'vitest';
import { HOSTS_MAX, LUN_MAX } from '../../src/base/limits.js';
import { initialSan, type LunMapping } from '../../src/san/configuration.js';
import { deleteHost, hostNamed, hostOfCaller, setHost } from '../../src/san/hosts.js';
import {
  freeLun,
  mapLun,
  nameablePorts,
  nameableVolumes,
  unmapLun,
  unmapVolume,
  visibleLuns,
  volumeOfLun,
} from '../../src/san/lun-map.js';
import { setGroup } from '../../src/san/port-groups.js';
import type { PortId } from '../../src/san/port-id.js';
import { changePort } from '../../src/san/ports.js';
import { codeOf } from '../support/code-of.js';

const san = setHost(setHost(initialSan(0), 'alpha', [1000, 1001]), 'beta', [2000]);
const alpha = hostNamed(san, 'alpha');
const beta = hostNamed(san, 'beta');
const lun = (port: PortId, number: number, host: string, volume: number): LunMapping => ({
  port,
  lun: number,
  host,
  volume,
});
/** LUN 0 for all, LUN 1 for each of its own, at CL1-A; LUN 0 for alpha at CL2-A. */
const mapped = [
  lun('CL1-A', 0, 'any', 10),
  lun('CL1-A', 1, 'alpha', 11),
  lun('CL1-A', 1, 'beta', 21),
  lun('CL1-A', 0, 'beta', 20),
  lun('CL2-A', 0, 'alpha', 12),
].reduce(mapLun, san);

describe('hosts', () => {
  it('are found by the user who calls, and nobody else is one', () => {
    expect(hostOfCaller(san, 1001).name).toBe('alpha');
    expect(hostOfCaller(san, 0).name).toBe('local');
    expect(codeOf(() => hostOfCaller(san, 3000))).toBe('EACCES');
  });

  it.each<[string, () => unknown, string]>([
    ["another's user", () => setHost(san, 'beta', [1000]), 'EBUSY'],
    ['its own user again', () => setHost(san, 'alpha', [1000]), 'ok'],
    ['a host that is only named', () => setHost(san, 'gamma', []), 'ok'],
    ['a user named twice', () => setHost(san, 'gamma', [1, 1]), 'EINVAL'],
    ['a wrong user', () => setHost(san, 'gamma', [-1]), 'EINVAL'],
    ['a reserved word', () => setHost(san, 'any', [1]), 'EINVAL'],
    ['an unknown host', () => deleteHost(san, 'gamma'), 'ENOENT'],
    ['one with LUNs', () => deleteHost(mapped, 'beta'), 'EBUSY'],
    ['one without', () => deleteHost(san, 'beta'), 'ok'],
  ])('%s is answered as it should', (_what, action, code) => {
    expect(codeOf(action)).toBe(code);
  });

  it('lose a user that they are not given again', () => {
    const next = setHost(san, 'alpha', [1000]);
    expect(codeOf(() => hostOfCaller(next, 1001))).toBe('EACCES');
    expect(hostNamed(next, 'alpha').number).toBe(alpha.number);
  });

  it('have a limit', () => {
    const hosts = Array.from({ length: HOSTS_MAX }, (_unused, index) => ({
      number: index + 1,
      name: `h${index}`,
      uids: [],
    }));
    expect(codeOf(() => setHost({ ...san, hosts }, 'one', []))).toBe('ENOSPC');
  });
});

describe('LUNs', () => {
  it.each<[string, LunMapping, string]>([
    ['a new LUN', lun('CL1-A', 2, 'alpha', 1), 'ok'],
    ['the same again', lun('CL1-A', 1, 'alpha', 11), 'ok'],
    ['another volume there', lun('CL1-A', 1, 'alpha', 1), 'EEXIST'],
    ['an initiator port', lun('CL1-C', 0, 'alpha', 1), 'EINVAL'],
    ['an unknown host', lun('CL1-A', 2, 'gamma', 1), 'ENOENT'],
    ['the highest', lun('CL1-A', LUN_MAX, 'any', 1), 'ok'],
    ['one more', lun('CL1-A', LUN_MAX + 1, 'any', 1), 'EINVAL'],
    ['a negative one', lun('CL1-A', -1, 'any', 1), 'EINVAL'],
    ['a broken one', lun('CL1-A', 0.5, 'any', 1), 'EINVAL'],
  ])('%s is answered as it should', (_what, mapping, code) => {
    expect(codeOf(() => mapLun(mapped, mapping))).toBe(code);
  });

  it.each<[PortId, number, number | undefined, number | undefined]>([
    ['CL1-A', 0, 10, 20],
    ['CL1-A', 1, 11, 21],
    ['CL1-A', 2, undefined, undefined],
    ['CL2-A', 0, 12, undefined],
    ['CL2-B', 0, undefined, undefined],
  ])('%s LUN %i is #%s for alpha and #%s for beta', (port, number, forAlpha, forBeta) => {
    expect(volumeOfLun(mapped, alpha, port, number)).toBe(forAlpha);
    expect(volumeOfLun(mapped, beta, port, number)).toBe(forBeta);
  });

  it('are listed by number, each as the host sees it', () => {
    const seen = (host: typeof alpha) =>
      visibleLuns(mapped, host, 'CL1-A').map((mapping) => [mapping.lun, mapping.volume]);
    expect(seen(alpha)).toEqual([
      [0, 10],
      [1, 11],
    ]);
    expect(seen(beta)).toEqual([
      [0, 20],
      [1, 21],
    ]);
  });

  it('go one by one, or with their volume', () => {
    const next = unmapLun(mapped, { port: 'CL1-A', lun: 0, host: 'beta' });
    expect(volumeOfLun(next, beta, 'CL1-A', 0)).toBe(10);
    expect(codeOf(() => unmapLun(next, { port: 'CL1-A', lun: 0, host: 'beta' }))).toBe('ENOENT');
    expect(volumeOfLun(unmapVolume(mapped, 11), alpha, 'CL1-A', 1)).toBeUndefined();
    expect(unmapVolume(mapped, 99)).toBe(mapped);
  });

  it('take the lowest number that is free for the host', () => {
    expect(freeLun(mapped, ['CL1-A'], 'alpha')).toBe(2);
    expect(freeLun(mapped, ['CL2-A'], 'beta')).toBe(0);
    expect(freeLun(mapped, ['CL2-A'], 'any')).toBe(1);
    expect(freeLun(mapped, ['CL2-A', 'CL1-A'], 'beta')).toBe(2);
  });

  it('keep a port from becoming an initiator', () => {
    expect(codeOf(() => changePort(mapped, 'CL1-A', { role: 'initiator' }, false))).toBe('EBUSY');
    expect(codeOf(() => changePort(mapped, 'CL1-A', { role: 'both' }, false))).toBe('ok');
  });

  it('can be named by a command only where its host and its port group see them', () => {
    const grouped = setGroup(mapped, { name: 'g', targets: ['CL1-A'], initiators: ['CL1-C'] });
    expect([...nameableVolumes(mapped, alpha, 'CL1-A')].sort()).toEqual([10, 11, 12]);
    expect([...nameableVolumes(grouped, alpha, 'CL1-A')].sort()).toEqual([10, 11]);
    expect([...nameableVolumes(grouped, beta, 'CL2-A')].sort()).toEqual([20, 21]);
    expect(nameablePorts(grouped, 'CL1-A')).toEqual(['CL1-A']);
  });
});
