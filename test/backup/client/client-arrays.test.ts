/** Which arrays a client has: those that are mounted where it was told and answer; a mount that hangs is asked once. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ClientArrays } from '../../../src/backup/client/client-arrays.js';
import { ANSWER_MS_MAX } from '../../../src/backup/within-time.js';
import { ManualClock } from '../../support/manual-clock.js';
import { until } from '../../support/programs.js';
import { cleanScratch, makeScratch } from '../../support/scratch-directory.js';

const scratch = makeScratch();
afterAll(cleanScratch);

function mounted(name: string, uuid: string): string {
  const place = join(scratch, name);
  mkdirSync(join(place, 'status'), { recursive: true });
  const identity = { uuid, serial: name, label: '', readOnly: false };
  writeFileSync(join(place, 'status/array.json'), JSON.stringify(identity));
  return place;
}

describe('the arrays of a client', () => {
  const one = mounted('one', 'u1');
  const two = mounted('two', 'u2');
  const uuids = async (arrays: ClientArrays) => (await arrays.now()).map(({ uuid }) => uuid);

  it('are those that it was told, else all of the machine', async () => {
    const clock = new ManualClock();
    const mounts = () => [one, two, join(scratch, 'dead')];
    expect(await uuids(new ClientArrays(clock, [], mounts))).toEqual(['u1', 'u2']);
    expect(await uuids(new ClientArrays(clock, [two, '/elsewhere'], mounts))).toEqual(['u2']);
  });

  it('are waited for until they are mounted, or nobody wants them any more', async () => {
    const clock = new ManualClock();
    const mounts: string[] = [];
    const arrays = new ClientArrays(clock, [], () => mounts);
    const waiting = arrays.until('u2', new AbortController().signal);
    const givenUp = new AbortController();
    const never = arrays.until('u3', givenUp.signal);
    never.catch(() => undefined);
    await clock.advance(1_000);
    mounts.push(two);
    expect((await clock.drive(waiting)).mountPoint).toBe(two);
    givenUp.abort();
    await expect(never).rejects.toThrow(/EINTR/);
  });

  it('that hang are as not there, and hold one thread however often they are asked', async () => {
    const clock = new ManualClock();
    const hanging = mounted('hanging', 'u4');
    const file = join(hanging, 'status/array.json');
    rmSync(file);
    // Opening a pipe waits for the other end.
    execFileSync('mkfifo', [file]);
    const arrays = new ClientArrays(clock, [], () => [hanging, one]);
    for (let asked = 0; asked < 6; asked += 1) {
      const found = uuids(arrays);
      // The time limit of the one that hangs is left.
      await until(() => clock.timerCount === 1);
      await clock.advance(ANSWER_MS_MAX);
      expect(await found).toEqual(['u1']);
    }
    // The one that waits reads an end of file.
    writeFileSync(file, '');
  });
});
