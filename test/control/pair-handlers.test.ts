/** What each command on pairs does to an array and what it answers, by the real tables of states. */
import { beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/control/command-handlers.js';
import { parseCommand } from '../../src/control/command-parser.js';
import { findCommand } from '../../src/control/command-table.js';
import { PACE_TRACKS } from '../../src/pair/difference-bits.js';
import { FakeArray } from './fake-array.js';

const BASE64 = Buffer.alloc(512, 7).toString('base64');

let array: FakeArray;

async function run(name: string, line: string): Promise<string> {
  const command = findCommand(name);
  if (command === undefined) throw new Error(`no command ${name}`);
  try {
    const parsed = parseCommand(command, Buffer.from(line));
    return await runCommand(array, parsed, { owner: undefined });
  } catch (error) {
    return String(error).replace('ArrayError: ', '');
  }
}

/** Runs the lines `NAME LINE`; the answer of the last one. */
async function runAll(...lines: string[]): Promise<string> {
  let answer = '';
  for (const line of lines) {
    const [name = '', ...rest] = line.split(' ');
    answer = await run(name, rest.join(' '));
  }
  return answer;
}

beforeEach(async () => {
  array = new FakeArray();
  for (const name of ['db', 'db-copy', 'log', 'log-copy']) {
    await array.createVolume({ name, sizeBytes: 2 ** 20 });
  }
  await array.createVolume({ name: 'small', sizeBytes: 512 });
});

describe('paircreate', () => {
  it.each([
    ['db db-copy', 'db:db-copy is duplex-pending now'],
    ['#1 #2', 'db:db-copy is duplex-pending now'],
    ['db db-copy mode=on-demand', 'db:db-copy is defined now'],
    ['db small', 'EINVAL: the sizes are not equal'],
    ['db db', 'EINVAL: one volume twice'],
    ['db nosuch', 'ENOENT: no volume nosuch'],
    ['db auto', 'ENOENT: no reserved volume for db'],
    ['db', 'EINVAL: missing SECONDARY|auto'],
    ['auto db', "EINVAL: 'auto' is a reserved word"],
    ['db db-copy pace=quick', "EINVAL: pace= is one of slow medium fast, not 'quick'"],
    ['db db-copy mode=copy', "EINVAL: mode= is one of mirror on-demand, not 'copy'"],
  ])('%s: %s', async (line, answer) => {
    expect(await run('paircreate', line)).toBe(answer);
  });

  it('of a pair that is there does nothing and says so', async () => {
    expect(await runAll('paircreate db db-copy', 'paircreate db db-copy')).toBe(
      'db:db-copy is a pair already, nothing done',
    );
  });

  it('has medium pace, mirrors and does not wait for the secondary unless told', async () => {
    await run('paircreate', 'db db-copy');
    await run('paircreate', 'log log-copy mode=on-demand pace=slow sync=yes');
    expect(array.pairs()).toMatchObject([
      { mode: 'mirror', pace: 'medium', sync: false },
      { mode: 'on-demand', pace: 'slow', sync: true },
    ]);
  });

  it('takes a reserved volume of the same size by auto', async () => {
    expect(await runAll('reserve small log-copy', 'paircreate db auto')).toBe(
      'db:log-copy is duplex-pending now',
    );
  });

  it('overwrites what is open for writing only by force', async () => {
    const image = array.openImage(array.volume('db-copy'), { write: true });
    expect(await run('paircreate', 'db db-copy')).toMatch(/^EBUSY/);
    expect(await run('paircreate', 'db db-copy force=yes')).toMatch(/duplex-pending/);
    image.close();
  });

  it('knows the paces of the copy engine', () => {
    const option = findCommand('paircreate')?.options.find(({ name }) => name === 'pace');
    expect(option?.values).toEqual(Object.keys(PACE_TRACKS));
  });
});

describe('commands on a mirror', () => {
  beforeEach(async () => {
    await runAll('paircreate db db-copy', 'paircreate log log-copy');
    array.finishCopy('log:log-copy');
  });

  it.each([
    ['split db:db-copy', 'db:db-copy is split-pending now'],
    [
      'split db:db-copy log:log-copy pace=fast',
      'db:db-copy is split-pending now; log:log-copy is split-pending now',
    ],
    ['split #2', 'db:db-copy is split-pending now'],
    ['split #1:#2', 'db:db-copy is split-pending now'],
    ['split db:log-copy', 'ENOENT: no pair db:log-copy'],
    ['split db', "EINVAL: 'db' is not a pair: write PRIMARY:SECONDARY"],
    ['split', 'EINVAL: give either pairs or rotate=VOLUME'],
    ['split db:db-copy rotate=db', 'EINVAL: give either pairs or rotate=VOLUME'],
    ['split rotate=log', 'log:log-copy is split-pending now'],
    ['split rotate=small', 'ENOENT: small has no secondary'],
    ['copy db:db-copy', 'EINVAL: db:db-copy is a mirror: split it'],
    ['resync db:db-copy', 'db:db-copy is not split, nothing done'],
    ['resync log:log-copy direction=reverse', 'EBUSY: log:log-copy is not split'],
    [
      'suspend db:db-copy log:log-copy',
      'db:db-copy is suspended-partial now; log:log-copy is suspended now',
    ],
    ['pairpace db:db-copy', 'EINVAL: missing pace='],
    ['split rotate=db-copy at=+1s', 'ENOENT: volume db-copy is the primary of no pair'],
    ['pairpace db:db-copy pace=fast', 'db:db-copy has the new pace'],
    ['pairdelete db:db-copy', 'db:db-copy is finishing now'],
    [
      'pairdelete db:db-copy log:log-copy now=yes',
      'db:db-copy is simplex now; log:log-copy is simplex now',
    ],
    ['pairdelete db:db-copy now', 'db:db-copy is simplex now'],
    ['pairdelete now', 'EINVAL: missing PAIR before now'],
    ['pairdelete now db:db-copy', 'EINVAL: now stands after the pairs'],
    ['reserve small', 'reserved small'],
    ['unreserve db-copy', 'EBUSY: db-copy is a secondary'],
  ])('%s: %s', async (line, answer) => {
    expect(await runAll(line)).toBe(answer);
  });

  it('split all or none', async () => {
    await run('pairdelete', 'db:db-copy');
    expect(await run('split', 'log:log-copy db:db-copy')).toBe(
      'EBUSY: db:db-copy is being deleted',
    );
    expect(array.pair('log:log-copy').state).toBe('duplex');
  });

  it('go from split back to a mirror, or the other way round', async () => {
    await run('split', 'log:log-copy');
    array.finishCopy('log:log-copy');
    expect(await run('split', 'log:log-copy')).toBe('log:log-copy is split already, nothing done');
    expect(await run('resync', 'log:log-copy direction=reverse pace=slow')).toBe(
      'log:log-copy is reverse-resync now',
    );
    expect(array.pair('log:log-copy').pace).toBe('slow');
  });

  it('store the information sector with the secondary, if and only if it is split', async () => {
    await run('split', `log:log-copy info=${BASE64}`);
    expect(array.volume('log-copy').info).toHaveLength(512);
    await run('pairdelete', 'db:db-copy');
    expect(await run('split', `db:db-copy info=${BASE64}`)).toMatch(/^EBUSY/);
    expect(array.volume('db-copy').info).toBeUndefined();
  });

  it('resync what is open for writing only by force', async () => {
    await run('split', 'log:log-copy');
    array.finishCopy('log:log-copy');
    const image = array.openImage(array.volume('log-copy'), { write: true });
    expect(await run('resync', 'log:log-copy')).toBe('EBUSY: log-copy is open for writing');
    expect(await run('resync', 'log:log-copy force=yes')).toBe('log:log-copy is resync now');
    image.close();
  });

  it('leave the secondary reserved after the pair, until it is unreserved', async () => {
    await run('pairdelete', 'log:log-copy now=yes');
    expect(array.volume('log-copy').reserved).toBe(true);
    expect(await run('unreserve', 'log-copy')).toBe('unreserved log-copy');
    expect(array.volume('log-copy').reserved).toBe(false);
  });
});

describe('at=', () => {
  beforeEach(async () => {
    await runAll('paircreate db db-copy', 'paircreate log log-copy mode=on-demand');
    array.finishCopy('db:db-copy');
  });

  it('starts a job that splits when its time has come', async () => {
    expect(await run('split', 'db:db-copy at=2026-01-02T00:00Z')).toBe(
      'job 1 split db:db-copy at 2026-01-02T00:00:00Z',
    );
    expect(array.pair('db:db-copy').state).toBe('duplex');
    await array.runLater(1);
    expect(array.pair('db:db-copy').state).toBe('split-pending');
    expect(array.job(1)).toMatchObject({
      kind: 'split',
      subject: 'db:db-copy at 2026-01-02T00:00:00Z',
      message: 'db:db-copy is split-pending now',
    });
  });

  it('puts off a copy and a rotation as well', async () => {
    expect(await run('copy', 'log:log-copy at=+1h')).toMatch(/^job 1 copy log:log-copy at 2026-/);
    expect(await run('split', 'rotate=db at=+1h')).toMatch(/^job 2 split rotate=db at 2026-/);
    await array.runLater(1);
    await array.runLater(2);
    expect(array.pairs().map(({ state }) => state)).toEqual(['split-pending', 'split-pending']);
  });

  it.each([
    ['split db:nosuch at=+1h', /^ENOENT/],
    ['split rotate=nosuch at=+1h', /^ENOENT/],
    ['copy db:db-copy at=+1h', /^EINVAL: db:db-copy is a mirror: split it/],
    ['split db:db-copy at=2020-01-01T00:00Z', /^EINVAL/],
    ['split db:db-copy at=later', /^EINVAL: not a time: 'later'/],
    ['resync db:db-copy at=+1h', /^EINVAL: unknown option at=/],
  ])('%s is refused at once', async (line, answer) => {
    expect(await runAll(line)).toMatch(answer);
    expect(array.jobs()).toEqual([]);
  });

  it('names no more than the first of a thousand pairs', async () => {
    const answer = await run('split', `${'#1:#2 '.repeat(1_000)}at=+1h`);
    expect(answer.length).toBeLessThan(260);
    expect(answer).toMatch(/\.\.\. at 2026/);
  });
});
