/** Requests in shared memory on one thread: the flows of [000] figs. 9 to 11, and all that goes wrong. */
import { beforeEach, describe, expect, it } from 'vitest';
import { readProgress } from '../../src/san/data-area.js';
import { tableRows } from '../../src/san/discovery.js';
import { controlOwner } from '../../src/san/exclusive-control.js';
import { searchError } from '../../src/san/search-reasons.js';
import { expectSearch, FOUR, failures, OneThread, stateOf, tableOf } from './memory-fixture.js';

let one: OneThread;

beforeEach(() => {
  one = new OneThread();
});

describe('a request in shared memory', () => {
  it('goes as in [000] fig. 9: one finds the port busy, the next one copies', () => {
    const slot = one.place(tableOf(['CL1-C', 'CL2-C']), 'parameter list');
    const first = expectSearch(one.kernel(0).poll());
    expect([first.port, first.slot.payload.toString()]).toEqual(['CL1-C', 'parameter list']);
    expect(one.kernel(2).poll()).toBeUndefined();
    expect(controlOwner(one.memory)).toBe(1);
    expect(first.failed('busy')).toBeUndefined();
    expect([stateOf(slot), controlOwner(one.memory)]).toEqual(['placed', undefined]);
    const second = expectSearch(one.kernel(2).poll());
    expect(second.port).toBe('CL2-C');
    const transfer = second.found();
    expect([stateOf(slot), controlOwner(one.memory)]).toEqual(['transferring', undefined]);
    transfer?.end('done');
    expect([stateOf(slot), one.board.outcome(slot)]).toEqual(['ended', 'done']);
    expect(failures(slot)).toEqual(['CL1-C busy', 'CL2-C found']);
  });

  it('answers the requester with every reason when nobody finds it ([000] fig. 9, last sentence)', () => {
    const slot = one.place(tableOf(['CL1-C', 'CL2-C']));
    expectSearch(one.kernel(1).poll()).failed('no-path');
    expectSearch(one.kernel(3).poll()).failed('busy');
    expect(one.board.outcome(slot)).toBe('unreachable');
    expect(searchError('tape0', slot.results()).message).toBe(
      'EBUSY: tape0 is not available: port CL1-C has no path to it; ' +
        'port CL2-C finds it reserved',
    );
  });

  it('is waited for and answered by its target job as in [000] fig. 10', async () => {
    const seen = one.board.signalCount();
    const slot = one.place(tableOf(['CL1-C']));
    const waiting = one.board.changed(one.board.signalCount());
    expect(one.board.changed(seen)).toBeUndefined();
    one.transfer(0).end('failed', 'the tape is torn');
    await waiting;
    expect([one.board.outcome(slot), slot.report]).toEqual(['failed', 'the tape is torn']);
    expect(one.board.free(slot)).toBe(true);
    expect(stateOf(slot)).toBe('free');
  });

  it('goes as in [000] figs. 7, 11 and tables 1, 2: 640B may not, 642A fails twice, 644A copies', () => {
    // 642A is CL1-M0 with ports 622 and 624, here CL1-C and CL1-D; 644A is CL2-M0 with port 628; 640B is CL2-M1.
    const some = [FOUR[0], FOUR[2]].flatMap((found) => (found === undefined ? [] : [found]));
    const table = tableOf(['CL1-C', 'CL1-D', 'CL2-C'], some);
    const slot = one.place(table);
    const available = () =>
      tableRows(table, slot.table().masks, some).map(({ microprocessor, port, available }) => {
        return `${microprocessor} ${port} ${available ? 'Y' : 'N'}`;
      });
    expect(available()).toEqual(['CL1-M0 CL1-C Y', 'CL1-M0 CL1-D Y', 'CL2-M0 CL2-C Y']);
    expect(one.kernel(3).poll()).toBeUndefined();
    expect(controlOwner(one.memory)).toBeUndefined();
    const search = expectSearch(one.kernel(0).poll());
    expect(search.failed('no-path')).toBe('CL1-D');
    expect([search.port, controlOwner(one.memory)]).toEqual(['CL1-D', 1]);
    expect(search.failed('busy')).toBeUndefined();
    expect(available()).toEqual(['CL1-M0 CL1-C N', 'CL1-M0 CL1-D N', 'CL2-M0 CL2-C Y']);
    one.transfer(2).end('done');
    expect(one.board.outcome(slot)).toBe('done');
  });

  it('is searched in the order of the ports, also where that goes to and fro between controllers', () => {
    const slot = one.place(tableOf(['CL1-C', 'CL2-C', 'CL1-D']));
    expect(one.kernel(2).poll()).toBeUndefined();
    expectSearch(one.kernel(0).poll()).failed('no-path');
    expect(one.kernel(0).poll()).toBeUndefined();
    expectSearch(one.kernel(2).poll()).failed('no-path');
    expect(expectSearch(one.kernel(0).poll()).port).toBe('CL1-D');
    expect(failures(slot)).toEqual(['CL1-C no-path', 'CL2-C no-path']);
  });

  it('wakes nobody when it is looked at by one whose turn it is not', () => {
    one.place(tableOf(['CL1-C', 'CL2-C']));
    const before = one.kernel(2).signal();
    expect(one.kernel(2).poll()).toBeUndefined();
    expect(one.kernel(2).signal()).toBe(before);
  });

  it('is not searched again by the second microprocessor of a port that has no path', () => {
    one.place(tableOf(['CL1-C', 'CL2-C']));
    expectSearch(one.kernel(0).poll()).failed('no-path');
    expect(one.kernel(1).poll()).toBeUndefined();
  });

  it('waits while older ones are searched, and is passed by when its turn is another', () => {
    const older = one.place(tableOf(['CL2-C']));
    const younger = one.place(tableOf(['CL1-C', 'CL2-C']));
    const youngest = one.place(tableOf(['CL1-C']));
    expect(expectSearch(one.kernel(0).poll()).slot.slot).toBe(younger.slot);
    expect([older, youngest].map(stateOf)).toEqual(['placed', 'placed']);
  });

  it('ends at once where no microprocessor may do it', () => {
    const slot = one.place(tableOf(['CL1-C'], []));
    one.board.settle();
    expect(one.board.outcome(slot)).toBe('unreachable');
  });

  it('does not get a slot while all are used, nor while one of it is in hand', () => {
    const slots = [0, 1, 2, 3].map(() => one.place(tableOf(['CL1-C'])));
    const request = { number: 9, table: tableOf(['CL1-C']), payload: Buffer.from('x') };
    expect(one.board.place(request)).toBeUndefined();
    const search = expectSearch(one.kernel(0).poll());
    one.board.cancel(search.slot);
    for (const slot of slots.filter((other) => other !== search.slot)) one.board.cancel(slot);
    const others = slots.filter(({ slot }) => slot !== search.slot.slot);
    expect(others.map((slot) => one.board.free(slot))).toEqual([true, true, true]);
    expect(one.board.free(search.slot)).toBe(false);
    search.failed('no-path');
    expect([one.board.outcome(search.slot), one.board.free(search.slot)]).toEqual([
      'cancelled',
      true,
    ]);
    expect(one.board.place(request)?.slot).toBe(0);
  });

  it('begins with nothing of the request that had the slot before', () => {
    const before = one.place(tableOf(['CL1-C', 'CL2-C']), 'a long parameter list');
    expectSearch(one.kernel(0).poll()).failed('busy');
    const transfer = one.transfer(2);
    transfer.producer.publish({
      kind: 'mark',
      length: 0,
      segment: 0,
      position: 0,
      devicePosition: 0,
    });
    transfer.end('failed', 'why');
    expect(one.board.free(before)).toBe(true);
    const slot = one.place(tableOf(['CL1-C']), 'x');
    expect(slot.slot).toBe(before.slot);
    expect([slot.payload.toString(), slot.report, slot.wish, slot.port]).toEqual([
      'x',
      '',
      'none',
      undefined,
    ]);
    expect([slot.results(), readProgress(slot).chunks]).toEqual([[], 0]);
    expect(one.transfer(0).consumer.next()).toBeUndefined();
  });
});

describe('cancelling', () => {
  it('ends a request that waits at once', () => {
    const slot = one.place(tableOf(['CL1-C']));
    one.board.cancel(slot);
    expect(one.board.outcome(slot)).toBe('cancelled');
    expect(one.kernel(0).poll()).toBeUndefined();
  });

  it('ends a search before the next port, or instead of the transfer', () => {
    const slots = [one.place(tableOf(['CL1-C', 'CL1-D'])), one.place(tableOf(['CL1-C']))];
    const search = expectSearch(one.kernel(0).poll());
    one.board.cancel(search.slot);
    expect(search.failed('no-path')).toBeUndefined();
    const second = expectSearch(one.kernel(0).poll());
    one.board.cancel(second.slot);
    expect(second.found()).toBeUndefined();
    expect(slots.map((slot) => one.board.outcome(slot))).toEqual(['cancelled', 'cancelled']);
    expect(controlOwner(one.memory)).toBeUndefined();
  });

  it('is seen by a transfer between two chunks', () => {
    const slot = one.place(tableOf(['CL1-C']));
    const transfer = one.transfer(0);
    expect(transfer.wish()).toBe('none');
    one.board.cancel(slot);
    expect([transfer.wish(), stateOf(slot)]).toEqual(['end', 'transferring']);
    transfer.end('cancelled');
    expect(one.board.outcome(slot)).toBe('cancelled');
  });
});

describe('a hand-over', () => {
  it('goes on at the progress pointer through the port that was chosen', () => {
    const slot = one.place(tableOf(['CL1-C', 'CL2-C']));
    const first = one.transfer(0);
    for (const length of [10, 20, 30]) {
      first.producer.publish({ kind: 'zeros', length, segment: 0, position: 0, devicePosition: 0 });
    }
    const chunk = first.consumer.next();
    if (chunk === undefined) throw new Error('there is a chunk');
    first.consumer.consumed(chunk, 512);
    expect(one.board.handOver(slot, tableOf(['CL2-C', 'CL1-C']))).toBe(true);
    expect(first.wish()).toBe('let-go');
    first.letGo();
    expect(one.kernel(0).poll()).toBeUndefined();
    const second = one.transfer(2);
    expect([second.wish(), slot.port]).toEqual(['none', 'CL2-C']);
    expect(readProgress(slot)).toEqual({ chunks: 1, segment: 0, bytes: 10, devicePosition: 512 });
    expect(second.consumer.next()).toMatchObject({ sequence: 1, length: 20 });
  });

  it('comes back to the port before where the new one does not reach the device', () => {
    const slot = one.place(tableOf(['CL1-C', 'CL2-C']));
    const first = one.transfer(0);
    one.board.handOver(slot, tableOf(['CL2-C', 'CL1-C']));
    first.letGo();
    expectSearch(one.kernel(2).poll()).failed('no-path');
    expect(expectSearch(one.kernel(1).poll()).port).toBe('CL1-C');
  });

  it('is for transfers alone', () => {
    const slot = one.place(tableOf(['CL1-C']));
    expect(one.board.handOver(slot, tableOf(['CL2-C']))).toBe(false);
    expect(slot.table()).toEqual(tableOf(['CL1-C']));
  });

  it('is done by a microprocessor that is set down, and by nobody of it afterwards', () => {
    const slot = one.place(tableOf(['CL1-C']));
    const transfer = one.transfer(0);
    one.board.setMode(0, 'down');
    expect(transfer.wish()).toBe('let-go');
    transfer.letGo();
    expect(one.kernel(0).poll()).toBeUndefined();
    expect(expectSearch(one.kernel(1).poll()).slot.slot).toBe(slot.slot);
  });
});

describe('another way for a request that waits', () => {
  it('is taken under exclusive control', () => {
    const slot = one.place(
      tableOf(
        ['CL1-C'],
        [FOUR[1]].flatMap((it) => it ?? []),
      ),
    );
    expect(one.kernel(0).poll()).toBeUndefined();
    expect(one.board.replaceTable(slot, tableOf(['CL2-C']))).toBe(true);
    expect(expectSearch(one.kernel(2).poll()).port).toBe('CL2-C');
  });

  it('is not taken while it is searched, nor when it has ended', () => {
    const slot = one.place(tableOf(['CL1-C']));
    const search = expectSearch(one.kernel(0).poll());
    expect(one.board.replaceTable(slot, tableOf(['CL2-C']))).toBe(false);
    search.found()?.end('done');
    expect(one.board.replaceTable(slot, tableOf(['CL2-C']))).toBe(false);
    expect([slot.table(), controlOwner(one.memory)]).toEqual([tableOf(['CL1-C']), undefined]);
  });

  it('is there for the next search of a request that is transferring', () => {
    const slot = one.place(tableOf(['CL1-C']));
    one.transfer(0);
    expect(one.board.replaceTable(slot, tableOf(['CL2-C']))).toBe(true);
    one.board.lost(0);
    expect(expectSearch(one.kernel(2).poll()).port).toBe('CL2-C');
  });

  it('is not taken while a transfer is about to let go', () => {
    const slot = one.place(tableOf(['CL1-C', 'CL2-C']));
    const transfer = one.transfer(0);
    one.board.setMode(0, 'down');
    expect(one.board.replaceTable(slot, tableOf(['CL2-C']))).toBe(false);
    transfer.letGo();
    expect(one.board.replaceTable(slot, tableOf(['CL2-C']))).toBe(true);
  });

  it('is tried again when a microprocessor gives control back that found nothing to do', () => {
    const [clock, monotonicMs] = [one.clock, one.clock.monotonicMs.bind(one.clock)];
    one.place(tableOf(['CL1-C']));
    let seen = 0;
    // Between its look at the request and its control of it another one takes it.
    clock.monotonicMs = () => {
      clock.monotonicMs = monotonicMs;
      one.transfer(0);
      seen = one.board.signalCount();
      return monotonicMs();
    };
    expect(one.kernel(1).poll()).toBeUndefined();
    expect(controlOwner(one.memory)).toBeUndefined();
    expect(one.board.signalCount()).not.toBe(seen);
  });
});
