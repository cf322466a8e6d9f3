/** Asking a server until it answers. */
import { describe, expect, it } from 'vitest';
import { untilAnswered } from '../../../src/backup/client/until-answered.js';
import { ServerAwayError } from '../../../src/backup/http-client.js';
import { ArrayError } from '../../../src/base/errors.js';
import { ManualClock } from '../../support/manual-clock.js';

const clock = new ManualClock();
const { signal } = new AbortController();

describe('a question to the server', () => {
  it('is asked until it is answered: the server was away, or its disk full', async () => {
    const failures = [new ServerAwayError('cut'), new ArrayError('ENOSPC', 'full')];
    const told: string[] = [];
    const ask = async () => {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      return 'answer';
    };
    const onAway = ({ reason }: ArrayError) => void told.push(reason);
    expect(await clock.drive(untilAnswered(ask, { clock, signal, onAway }))).toBe('answer');
    expect(told).toEqual(['cut', 'full']);
  });

  it('is not asked again where it is refused', async () => {
    let asked = 0;
    const ask = async () => {
      asked += 1;
      throw new ArrayError('ENOENT', 'no such errand');
    };
    await expect(untilAnswered(ask, { clock, signal })).rejects.toThrow('no such errand');
    expect(asked).toBe(1);
  });

  it('is given up when the client stops', async () => {
    const stopping = new AbortController();
    const ask = () => Promise.reject(new ServerAwayError('cut'));
    const answer = untilAnswered(ask, { clock, signal: stopping.signal });
    stopping.abort();
    await expect(answer).rejects.toMatchObject({ code: 'EINTR' });
  });
});
