/** Microprocessors that end, or hang in a search: nothing stays locked, and the next one goes on. */
import { beforeEach, describe, expect, it } from 'vitest';
import { CONTROL_LEASE_MS, controlOwner } from '../../src/san/exclusive-control.js';
import type { DeviceSearch } from '../../src/san/microprocessor-kernel.js';
import type { RequestSlot } from '../../src/san/request-slots.js';
import { expectSearch, failures, OneThread, stateOf, tableOf } from './memory-fixture.js';

let one: OneThread;

beforeEach(() => {
  one = new OneThread();
});

describe('a microprocessor that ends', () => {
  it('in a search leaves control free and the request to the next', () => {
    const slot = one.place(tableOf(['CL1-C']));
    expectSearch(one.kernel(0).poll());
    expect(one.board.lost(0)).toEqual([]);
    expect([stateOf(slot), controlOwner(one.memory)]).toEqual(['placed', undefined]);
    expect(expectSearch(one.kernel(1).poll()).port).toBe('CL1-C');
  });

  it('in a transfer leaves the pointer and the chunks to the next', () => {
    const slot = one.place(tableOf(['CL1-C', 'CL2-C']));
    const first = one.transfer(0);
    first.producer.publish({
      kind: 'zeros',
      length: 10,
      segment: 0,
      position: 0,
      devicePosition: 0,
    });
    expect(one.board.lost(0).map((orphan) => orphan.slot)).toEqual([slot.slot]);
    const second = one.transfer(1);
    expect(second.consumer.next()).toMatchObject({ sequence: 0, length: 10 });
    expect(slot.port).toBe('CL1-C');
  });

  it('is seen also by those who look as soon as they are told, and sleep again', () => {
    one.place(tableOf(['CL1-C', 'CL2-C']));
    one.transfer(0);
    one.board.lost(1);
    const next = one.kernel(2);
    const setMode = one.board.setMode.bind(one.board);
    let seen = 0;
    one.board.setMode = (index, mode) => {
      setMode(index, mode);
      seen = next.signal();
      expect(next.poll()).toBeUndefined();
    };
    one.board.lost(0);
    expect(next.signal()).not.toBe(seen);
    expect(expectSearch(next.poll()).port).toBe('CL2-C');
  });

  it('is not waited for, though a device holds up its thread', () => {
    const elsewhere = one.place(tableOf(['CL1-C', 'CL2-C']));
    const nowhere = one.place(tableOf(['CL1-C']));
    const next = one.kernel(2);
    expect(next.poll()).toBeUndefined();
    const seen = next.signal();
    one.board.giveUp(0);
    one.board.giveUp(1);
    expect([stateOf(elsewhere), one.board.outcome(nowhere)]).toEqual(['placed', 'unreachable']);
    expect(next.signal()).not.toBe(seen);
    expect(expectSearch(next.poll()).port).toBe('CL2-C');
  });

  it('is followed by one of the other controller when its own has none left', () => {
    const slot = one.place(tableOf(['CL1-C', 'CL2-C']));
    one.transfer(0);
    one.board.lost(1);
    one.board.lost(0);
    const transfer = one.transfer(3);
    expect(slot.port).toBe('CL2-C');
    transfer.end('done');
  });

  it('leaves a request unreachable when none is left at all, with the reason', () => {
    const slot = one.place(tableOf(['CL1-C']));
    one.transfer(0);
    one.board.lost(1);
    one.board.lost(0);
    expect([one.board.outcome(slot), failures(slot)]).toEqual([
      'unreachable',
      ['CL1-C no-microprocessor'],
    ]);
    expect(one.board.free(slot)).toBe(true);
  });

  it('does not take the wish to let go to its follower, but the wish to end', () => {
    const slot = one.place(tableOf(['CL1-C', 'CL2-C']));
    one.transfer(0);
    one.board.handOver(slot, tableOf(['CL2-C', 'CL1-C']));
    one.board.lost(0);
    expect(one.transfer(2).wish()).toBe('none');
    one.board.cancel(slot);
    one.board.lost(2);
    expect(one.board.outcome(slot)).toBe('cancelled');
  });

  it('comes back as another generation', () => {
    expect(one.board.generation(0)).toBe(1);
    one.board.lost(0);
    expect([one.board.mode(0), one.kernel(0).poll()]).toEqual(['absent', undefined]);
    expect(one.board.started(0)).toBe(2);
    one.place(tableOf(['CL1-C']));
    expect(expectSearch(one.kernel(0).poll()).port).toBe('CL1-C');
  });

  it('is noticed when it gives no sign of life', async () => {
    expect(one.board.silent(500)).toEqual([]);
    await one.clock.advance(499);
    one.kernel(1).poll();
    expect(one.board.silent(500)).toEqual([]);
    await one.clock.advance(1);
    expect(one.board.silent(500)).toEqual([0, 2, 3]);
    one.board.lost(0);
    expect(one.board.silent(500)).toEqual([2, 3]);
  });
});

describe('the lease of a search', () => {
  async function hang(): Promise<{ slot: RequestSlot; search: DeviceSearch }> {
    const slot = one.place(tableOf(['CL1-C', 'CL2-C']));
    const search = expectSearch(one.kernel(0).poll());
    expect(one.kernel(2).poll()).toBeUndefined();
    await one.clock.advance(CONTROL_LEASE_MS - 1);
    expect(one.kernel(2).poll()).toBeUndefined();
    await one.clock.advance(1);
    return { slot, search };
  }

  it('ends it: the next takes control and goes on with another port', async () => {
    const { slot, search } = await hang();
    const next = expectSearch(one.kernel(2).poll());
    expect([next.port, controlOwner(one.memory)]).toEqual(['CL2-C', 3]);
    expect(failures(slot)).toEqual(['CL1-C no-answer']);
    expect(search.found()).toBeUndefined();
    expect([stateOf(slot), controlOwner(one.memory)]).toEqual(['searching', 3]);
    next.found()?.end('done');
    expect(one.board.outcome(slot)).toBe('done');
  });

  it('makes what the late one finds out harmless', async () => {
    const { slot, search } = await hang();
    const next = expectSearch(one.kernel(2).poll());
    expect(search.failed('busy')).toBeUndefined();
    expect(failures(slot)).toEqual(['CL1-C no-answer']);
    expect(next.found()).toBeDefined();
  });

  it('is ended by the array core also when it wants control for another request', async () => {
    const hanging = one.place(tableOf(['CL1-C', 'CL2-C']));
    const other = one.place(tableOf(['CL1-C']));
    expectSearch(one.kernel(0).poll());
    expect(one.board.replaceTable(other, tableOf(['CL1-D']))).toBe(false);
    await one.clock.advance(CONTROL_LEASE_MS);
    expect(one.board.replaceTable(other, tableOf(['CL1-D']))).toBe(true);
    expect([stateOf(hanging), controlOwner(one.memory)]).toEqual(['placed', undefined]);
    expect(expectSearch(one.kernel(2).poll()).port).toBe('CL2-C');
  });

  it('is over for that search, also where the same microprocessor searches again', async () => {
    const { slot, search } = await hang();
    expect(one.board.expireLease()).toBe(false);
    await one.clock.advance(CONTROL_LEASE_MS);
    expect(one.board.expireLease()).toBe(true);
    expect(one.board.replaceTable(slot, tableOf(['CL1-C']))).toBe(true);
    const again = expectSearch(one.kernel(0).poll());
    expect(search.found()).toBeUndefined();
    expect(again.found()).toBeDefined();
  });

  it('does not let the slot be used for another request before the late one is back', async () => {
    const { slot, search } = await hang();
    expectSearch(one.kernel(2).poll()).found()?.end('done');
    expect(one.board.free(slot)).toBe(false);
    search.failed('busy');
    expect(one.board.free(slot)).toBe(true);
  });

  it('is ended by the array core where no other microprocessor is there', async () => {
    const slot = one.place(tableOf(['CL1-C']));
    expectSearch(one.kernel(0).poll());
    expect(one.board.expireLease()).toBe(false);
    await one.clock.advance(CONTROL_LEASE_MS);
    expect(one.board.expireLease()).toBe(true);
    expect([one.board.outcome(slot), failures(slot)]).toEqual(['unreachable', ['CL1-C no-answer']]);
    expect([controlOwner(one.memory), one.board.expireLease()]).toEqual([undefined, false]);
  });

  it('begins anew with every taking of control', async () => {
    one.place(tableOf(['CL1-C']));
    one.place(tableOf(['CL1-C']));
    const first = expectSearch(one.kernel(0).poll());
    expect(one.kernel(1).poll()).toBeUndefined();
    await one.clock.advance(900);
    first.found()?.end('done');
    expectSearch(one.kernel(0).poll());
    await one.clock.advance(900);
    expect(one.kernel(1).poll()).toBeUndefined();
    expect(controlOwner(one.memory)).toBe(1);
  });
});
