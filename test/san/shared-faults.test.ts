/** The faults in shared memory: what microprocessors meet is what the list says, and nothing is counted twice. */
import { describe, expect, it } from 'vitest';
import { FAULTS_MAX } from '../../src/base/limits.js';
import { type FaultKind, FaultList, parseFaultTarget } from '../../src/san/faults.js';
import { FaultBoard, FaultView } from '../../src/san/shared-faults.js';

const DEVICE = parseFaultTarget('device:tape0');

function setUp() {
  const list = new FaultList();
  const board = new FaultBoard();
  const view = new FaultView(board.buffer);
  const publish = () => {
    for (const { number, times } of board.taken()) list.happened(number, times);
    board.publish(list.list);
  };
  const add = (place: string, kind: FaultKind, count?: number) => {
    const fault = list.add({ target: parseFaultTarget(place), kind, ...(count && { count }) });
    publish();
    return fault;
  };
  const hits = () => view.hits(DEVICE).map(({ kind }) => kind);
  return { list, board, view, publish, add, hits };
}

describe('faults in shared memory', () => {
  it('happen as often as they were set, whoever meets them', () => {
    const { list, board, add, hits, publish } = setUp();
    expect(hits()).toEqual([]);
    add('device:tape0', 'EIO', 3);
    const other = new FaultView(board.buffer);
    expect(hits()).toEqual(['EIO']);
    expect(other.hits(DEVICE)).toHaveLength(1);
    publish();
    expect(list.list).toMatchObject([{ hits: 2, count: 1 }]);
    expect(hits()).toEqual(['EIO']);
    expect(hits()).toEqual([]);
    expect(other.hits(DEVICE)).toEqual([]);
    publish();
    expect(list.list).toEqual([]);
  });

  it('happen until they are cleared, and in their range', () => {
    const { list, view, add, hits, publish } = setUp();
    const { number } = add('device:tape0', 'damaged');
    list.add({ target: DEVICE, kind: 'EIO', range: { start: 512, end: 1_024 } });
    publish();
    expect(hits()).toEqual(['damaged']);
    expect(view.hits(DEVICE, { start: 0, end: 512 })).toHaveLength(1);
    expect(view.hits(DEVICE, { start: 1_023, end: 1_024 })).toHaveLength(2);
    publish();
    expect(list.list.map((fault) => fault.hits)).toEqual([3, 1]);
    list.clear(number);
    publish();
    expect(hits()).toEqual([]);
  });

  it('are those of ports, controllers, microprocessors and devices', () => {
    const { view, add } = setUp();
    for (const place of ['volume:tape0', 'pool:tape0', 'port:CL1-C', 'controller:CL1']) {
      add(place, 'hang');
    }
    for (const place of ['microprocessor:CL1-M0', 'device:tape0']) add(place, 'hang');
    const met = ['volume:tape0', 'pool:tape0', 'port:CL1-C', 'controller:CL1', 'device:tape0'].map(
      (place) => view.hits(parseFaultTarget(place)).length,
    );
    expect(met).toEqual([0, 0, 1, 1, 1]);
  });

  it('are as many as the list may have, one after the other, for ever', () => {
    const { list, add, hits, publish } = setUp();
    for (let round = 0; round < 3; round += 1) {
      for (let count = 0; count < FAULTS_MAX; count += 1) add('device:tape0', 'EIO', 2);
      expect(hits()).toHaveLength(FAULTS_MAX);
      publish();
      expect(list.list.every((fault) => fault.hits === 1 && fault.count === 1)).toBe(true);
      list.clearAll();
      publish();
      expect(hits()).toEqual([]);
    }
  });
});
