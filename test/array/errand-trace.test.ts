/** What errands tell of the ports that devices were searched through. */
import { expect, it } from 'vitest';
import { ErrandTrace } from '../../src/array/errand-trace.js';
import { PortTasks } from '../../src/san/port-tasks.js';
import type { PortResult } from '../../src/san/search-reasons.js';

it('a medium that is not there is no device that is not there, and each result is told once', () => {
  const told: [string, PortResult][] = [];
  const noteSearch = (device: string, result: PortResult) => told.push([device, result]);
  const trace = new ErrandTrace({ tasks: new PortTasks(), noteSearch }, 'tape0');
  const away = { port: 'CL2-C', reason: 'missing' } as const;
  trace.results(1, [{ port: 'CL1-C', reason: 'no-medium', detail: 'no cartridge X' }, away]);
  trace.results(1, [away]);
  expect(told).toEqual([
    ['tape0', { port: 'CL1-C', reason: 'found' }],
    ['tape0', away],
  ]);
});
