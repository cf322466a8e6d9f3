/** Definitions that nobody could carry out. */
import { describe, expect, it } from 'vitest';
import type { BackupDefinition } from '../../src/backup/definition.js';
import { definitionProblem } from '../../src/backup/definition-rules.js';
import { sampleDefinition } from './server/server-fixture.js';

const problem = (more: Partial<BackupDefinition>) =>
  definitionProblem(sampleDefinition('web1', more));
const volumes = (...names: string[]) => ({ paths: null, volumes: names, freeze: false });
const nothing = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };

describe('a definition', () => {
  it.each<[string, Partial<BackupDefinition>]>([
    ['a snapshot', {}],
    ['a mirror', { method: 'mirror', to: ['db-copy'], resyncAfter: true }],
    ['several volumes', volumes('db', 'log')],
    ['a copy on tape', { secondMedium: ['tape0'], class: 'tape', incremental: true }],
    [
      'a copy on another array',
      { ...volumes('a', 'b'), secondMedium: ['/m/volumes/a', '/m/volumes/b'] },
    ],
    ['a retention', { keep: { ...nothing, daily: 7 } }],
  ])('may be %s', (_what, more) => {
    expect(problem(more)).toBeUndefined();
  });

  it.each<[Partial<BackupDefinition>, string]>([
    [{ paths: null }, 'give either paths or volumes'],
    [{ volumes: ['db'] }, 'give either paths or volumes'],
    [{ paths: ['/a', '/b', '/a'] }, '/a is named twice'],
    [{ ...volumes('db'), freeze: true }, 'a file system is frozen by its path'],
    [{ to: ['db-copy'] }, 'a snapshot has no destination'],
    [{ method: 'mirror' }, 'one destination for each'],
    [{ ...volumes('a', 'b'), method: 'mirror', to: ['x', 'x'] }, 'x is named twice'],
    [{ class: 'tape' }, 'class tape needs a second medium'],
    [{ class: 'tape', secondMedium: ['/m/volumes/a'] }, 'class tape needs a device'],
    [{ class: 'array', secondMedium: ['tape0'] }, 'class array needs volumes'],
    [{ secondMedium: ['/m/volumes/a', '/m/volumes/b'] }, 'one volume for each'],
    [{ secondMedium: ['tape0', 'tape1'] }, 'one device, or volumes'],
    [{ incremental: true }, 'only a copy on a second medium is incremental'],
    [{ resyncAfter: true }, 'only a mirror is resynchronised'],
    [{ keep: nothing }, 'a retention that keeps nothing'],
    [{ label: 'x'.repeat(65) }, 'a label has more than 64 bytes'],
  ])('must not be %j', (more, reason) => {
    expect(problem(more)).toContain(reason);
  });
});
