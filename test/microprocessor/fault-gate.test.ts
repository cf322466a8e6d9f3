/** What a microprocessor meets at each kind of target on its way to a device. */
import { beforeEach, describe, expect, it } from 'vitest';
import { FaultGate, PortFault } from '../../src/microprocessor/fault-gate.js';
import { FaultList, type FaultSetting, parseFaultTarget } from '../../src/san/faults.js';
import { FaultBoard, FaultView } from '../../src/san/shared-faults.js';

const SENSE = { key: 4, asc: 0x44, ascq: 0 };
const RANGE = { start: 0, end: 512 };
let faults: FaultList;
let board: FaultBoard;
let gate: FaultGate;
let beats: number;

beforeEach(() => {
  faults = new FaultList();
  board = new FaultBoard();
  beats = 0;
  let nowMs = 0;
  gate = new FaultGate({
    name: 'CL1-M0',
    faults: new FaultView(board.buffer),
    beat: () => {
      beats += 1;
    },
    monotonicMs: () => {
      nowMs += 5;
      return nowMs;
    },
    onHit() {},
  });
});

function set(target: string, kind: FaultSetting['kind']): void {
  faults.add({
    ...{ target: parseFaultTarget(target), kind, count: kind === 'down' ? undefined : 1 },
    ...(kind === 'delay' && { delayMs: 10 }),
    ...(kind === 'sense' && { sense: SENSE }),
  } as FaultSetting);
  board.publish(faults.list);
}

/** `passed`, or what it met. */
function pass(): string {
  try {
    gate.pass('CL1-C', 'tape0', RANGE);
    return 'passed';
  } catch (error) {
    const { message } = error as Error;
    return error instanceof PortFault ? `port: ${message}` : message;
  }
}

describe('on the way to a device', () => {
  it.each([
    ['port:CL1-C', 'EIO', 'port: port CL1-C has the fault EIO'],
    ['port:CL1-C', 'delay', 'passed'],
    ['port:CL1-D', 'EIO', 'passed'],
    ['controller:CL1', 'delay', 'passed'],
    ['controller:CL1', 'killed', 'controller CL1 has the fault killed'],
    ['controller:CL2', 'killed', 'passed'],
    ['microprocessor:CL1-M0', 'delay', 'passed'],
    ['microprocessor:CL1-M0', 'killed', 'microprocessor CL1-M0 has the fault killed'],
    ['microprocessor:CL1-M1', 'killed', 'passed'],
    ['device:tape0', 'EIO', 'EIO: device tape0 has the fault EIO'],
    ['device:tape0', 'delay', 'passed'],
    ['device:tape0', 'sense', 'EIO: device tape0 has the fault sense'],
    ['device:tape0', 'damaged', 'EIO: device tape0 has the fault damaged'],
    ['device:tape0', 'down', 'ENXIO: device tape0 has the fault down'],
    ['device:tape1', 'down', 'passed'],
  ] as const)('%s %s: %s', (target, kind, met) => {
    set(target, kind);
    expect(pass()).toBe(met);
    expect(beats > 0).toBe(kind === 'delay');
    // Once, but for what is down until it is cleared.
    expect(pass()).toBe(kind === 'down' ? met : 'passed');
    faults.clearAll();
    board.publish(faults.list);
    expect(pass()).toBe('passed');
  });
});
