/** The table of error codes against the host's own numbers, and foreign exceptions as ArrayErrors. */
import { fsyncSync, openSync, renameSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { ArrayError, asArrayError, ERROR_TABLE, type ErrorCode } from '../../src/base/errors.js';

const CODES = Object.keys(ERROR_TABLE) as ErrorCode[];

describe('ERROR_TABLE', () => {
  it.each(CODES)('has the errno of the host for %s', (code) => {
    const numbers: Readonly<Record<string, number>> = constants.errno;
    expect(ERROR_TABLE[code].errno).toBe(numbers[code]);
  });

  it.each(CODES)('has a failing exit status and an HTTP error for %s', (code) => {
    expect(ERROR_TABLE[code].exitStatus).toBeGreaterThan(0);
    expect(ERROR_TABLE[code].httpStatus).toBeGreaterThanOrEqual(400);
  });
});

describe('ArrayError', () => {
  it('says its code before its reason', () => {
    const error = new ArrayError('ENOSPC', 'the array is full');
    expect([error.message, error.errno, error.name]).toEqual([
      'ENOSPC: the array is full',
      28,
      'ArrayError',
    ]);
  });
});

describe('asArrayError', () => {
  it('returns an ArrayError as it is', () => {
    const error = new ArrayError('EBUSY', 'in use');
    expect(asArrayError(error)).toBe(error);
  });

  it.each<[string, unknown, ErrorCode]>([
    ['a code of the table', Object.assign(new Error('x'), { code: 'EACCES' }), 'EACCES'],
    ['a code the table has not', Object.assign(new Error('x'), { code: 'ECONNRESET' }), 'EIO'],
    ['a code that is a number', Object.assign(new Error('x'), { code: 28 }), 'EIO'],
    ['no code', new Error('x'), 'EIO'],
    ['a text instead of an error', 'x', 'EIO'],
    ['nothing at all', undefined, 'EIO'],
  ])('makes of an exception with %s', (_what, error, code) => {
    expect(asArrayError(error).code).toBe(code);
  });

  it.each<[string, () => unknown, string]>([
    ['opens', () => openSync('/nowhere/file', 'r'), '/nowhere/file: no such file or directory'],
    [
      'renames',
      () => renameSync('/nowhere/a', '/nowhere/b'),
      '/nowhere/a to /nowhere/b: no such file or directory',
    ],
    ['has only a descriptor', () => fsyncSync(2 ** 30), 'bad file descriptor'],
  ])('tells in words what the host refused where it %s', (_what, action, reason) => {
    let error: unknown;
    try {
      action();
    } catch (thrown) {
      error = thrown;
    }
    expect(asArrayError(error).reason).toBe(reason);
  });
});
