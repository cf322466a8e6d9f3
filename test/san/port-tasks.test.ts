/** Initiator and target tasks of ports: the flows of [002] figs. 12 to 14. */
import { beforeEach, describe, expect, it } from 'vitest';
import { initialSan } from '../../src/san/configuration.js';
import { hostOfCaller } from '../../src/san/hosts.js';
import { PortTasks } from '../../src/san/port-tasks.js';

let tasks: PortTasks;

beforeEach(() => {
  tasks = new PortTasks();
});

const steps = () => tasks.list.map(({ kind, step }) => `${kind} ${step}`);

describe('tasks of a port', () => {
  it('are initiator and target tasks side by side at one port ([002] fig. 12)', () => {
    const backup = tasks.begin('CL1-A', 'initiator', 'tape0', 5);
    const online = tasks.begin('CL1-A', 'target', 'local', 6);
    tasks.proceed(backup);
    tasks.proceed(online);
    tasks.begin('CL1-A', 'target', 'other', 7);
    expect(steps()).toEqual(['initiator transfer', 'target transfer', 'target login']);
    expect(tasks.ofPort('CL1-B')).toEqual([]);
    expect(tasks.ofPort('CL1-A')[0]).toEqual({
      number: 1,
      port: 'CL1-A',
      kind: 'initiator',
      peer: 'tape0',
      step: 'transfer',
      startedMs: 5,
    });
  });

  it('of an initiator log in, send and log out ([002] fig. 13)', () => {
    const task = tasks.begin('CL1-C', 'initiator', 'tape0', 0);
    const seen = [0, 1, 2].map(() => {
      const [step] = steps();
      tasks.proceed(task);
      return step;
    });
    expect(seen).toEqual(['initiator login', 'initiator transfer', 'initiator logout']);
    expect(tasks.list).toEqual([]);
  });

  it('of a target end with the login of somebody who is no host ([002] fig. 14, step 1301)', () => {
    const san = initialSan(1000);
    const serve = (uid: number) => {
      const task = tasks.begin('CL1-A', 'target', `user ${uid}`, 0);
      try {
        hostOfCaller(san, uid);
        tasks.proceed(task);
      } catch (error) {
        tasks.end(task);
        throw error;
      }
    };
    serve(1000);
    expect(() => serve(2000)).toThrow(/^EACCES/);
    expect(tasks.list.map(({ peer, step }) => [peer, step])).toEqual([['user 1000', 'transfer']]);
  });

  it('end in any step, once', () => {
    const task = tasks.begin('CL1-C', 'initiator', 'tape0', 0);
    tasks.end(task);
    tasks.end(task);
    expect(tasks.list).toEqual([]);
    expect(() => tasks.proceed(task)).toThrow('assertion');
    expect(tasks.begin('CL1-C', 'initiator', 'tape0', 0)).toBe(task + 1);
  });

  it('count the backups of each port for the choice of a path', () => {
    tasks.begin('CL1-C', 'initiator', 'tape0', 0);
    tasks.begin('CL1-C', 'initiator', 'tape1', 0);
    tasks.begin('CL2-A', 'target', 'local', 0);
    expect([...tasks.backups()]).toEqual([['CL1-C', 2]]);
  });
});
