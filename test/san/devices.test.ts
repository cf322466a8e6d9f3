/** Backup devices by name: what may be defined, and which ports reach it. */
import { describe, expect, it } from 'vitest';
import { DEVICES_MAX } from '../../src/base/limits.js';
import { initialSan, type SanConfiguration } from '../../src/san/configuration.js';
import {
  addDevice,
  connectDevice,
  deleteDevice,
  findDevice,
  portsReaching,
} from '../../src/san/devices.js';
import { changePort } from '../../src/san/ports.js';
import { codeOf } from '../support/code-of.js';

const empty = initialSan(0);
const tape = { name: 'tape0', kind: 'tape', path: '/srv/tapes' } as const;
const one = addDevice(empty, tape);

describe('a device', () => {
  it('is reached by all initiator ports where nothing else is said', () => {
    expect(portsReaching(one, 'tape0')).toEqual(['CL1-C', 'CL1-D', 'CL2-C', 'CL2-D']);
    const both = changePort(empty, 'CL1-A', { role: 'both' }, false);
    expect(portsReaching(addDevice(both, tape), 'tape0')[0]).toBe('CL1-A');
    expect(portsReaching(addDevice(empty, { ...tape, ports: [] }), 'tape0')).toEqual([]);
  });

  it('is put into other zones', () => {
    const next = connectDevice(one, 'tape0', ['CL2-D']);
    expect(portsReaching(next, 'tape0')).toEqual(['CL2-D']);
    expect(codeOf(() => connectDevice(one, 'tape0', ['CL2-D', 'CL2-A']))).toBe('EINVAL');
    expect(codeOf(() => connectDevice(one, 'tape1', ['CL2-D']))).toBe('ENOENT');
  });

  it.each([
    ['a name in use', { ...tape, path: '/other' }, 'EEXIST'],
    ['a path in use', { ...tape, name: 'tape1' }, 'EEXIST'],
    ['a reserved word', { ...tape, name: 'any', path: '/other' }, 'EINVAL'],
    ['a path that is none', { ...tape, name: 'tape1', path: 'tapes' }, 'EINVAL'],
    ['a path of several lines', { ...tape, name: 'tape1', path: '/a\nb' }, 'EINVAL'],
    ['a target port', { ...tape, name: 'tape1', path: '/b', ports: ['CL1-A' as const] }, 'EINVAL'],
  ])('is refused with %s', (_what, setting, code) => {
    expect(codeOf(() => addDevice(one, setting))).toBe(code);
  });

  it('goes with its zones, unless it is in use, and its number is used again', () => {
    expect(codeOf(() => deleteDevice(one, 'tape0', true))).toBe('EBUSY');
    expect(codeOf(() => deleteDevice(one, 'tape1', false))).toBe('ENOENT');
    const gone = deleteDevice(one, 'tape0', false);
    expect(gone).toEqual(empty);
    expect(findDevice(addDevice(gone, { ...tape, name: 'tape1' }), 'tape1')?.number).toBe(1);
  });

  it('is one of a limited number', () => {
    let san: SanConfiguration = empty;
    for (let number = 1; number <= DEVICES_MAX; number += 1) {
      san = addDevice(san, { ...tape, name: `d${number}`, path: `/d${number}` });
    }
    expect(codeOf(() => addDevice(san, tape))).toBe('ENOSPC');
  });
});
