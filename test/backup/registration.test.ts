/** What a server of this machine leaves for its clients, and which server a command means. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  chooseServer,
  type Registration,
  readRegistrations,
  readTokenFile,
  registrationDirectory,
  removeRegistration,
  writeRegistration,
} from '../../src/backup/registration.js';

const scratch = mkdtempSync(join(tmpdir(), 'arrayfs-registration-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const registration = (port: number, pid = process.pid): Registration => ({
  pid,
  url: `http://127.0.0.1:${port}`,
  dataDirectory: '/srv/backup',
  adminTokenFile: '/srv/backup/admin.token',
  clientTokenFile: '/srv/backup/client.token',
  clientName: 'here',
  caFile: null,
});
const nothing = { server: undefined, tokenFile: undefined, caFile: undefined };

describe('registration of a backup server', () => {
  it('is read back by whoever may, and goes with its server', () => {
    const directory = join(scratch, 'run');
    const file = writeRegistration(registration(7070), directory);
    expect(file).toBe(join(directory, '127.0.0.1_7070.json'));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readRegistrations(directory)).toEqual([registration(7070)]);
    removeRegistration(file);
    expect(readRegistrations(directory)).toEqual([]);
  });

  it('of a server that was killed, and files that are something else, do not count', () => {
    const directory = join(scratch, 'stale');
    writeRegistration(registration(7071, 2 ** 22 + 1), directory);
    writeFileSync(join(directory, 'other.json'), '{');
    expect(readRegistrations(directory)).toEqual([]);
    expect(readRegistrations(join(scratch, 'nowhere'))).toEqual([]);
  });

  it('lies where the environment says', () => {
    expect(registrationDirectory({ ARRAYFS_RUN_DIR: '/x' })).toBe('/x/backup');
  });
});

describe('choosing the server', () => {
  const one = [registration(7070)];
  const two = [registration(7070), registration(7071)];

  it('takes the only one of this machine, with the token of the role', () => {
    expect(chooseServer(nothing, 'admin', one, {})).toMatchObject({
      url: 'http://127.0.0.1:7070',
      tokenFile: '/srv/backup/admin.token',
      registration: { clientName: 'here' },
    });
    expect(chooseServer(nothing, 'client', one, {}).tokenFile).toBe('/srv/backup/client.token');
  });

  it('takes what is named before that, by option, then by environment', () => {
    const wish = { ...nothing, server: 'https://other:1/', tokenFile: '/t', caFile: '/ca' };
    expect(chooseServer(wish, 'admin', two, { ARRAYFS_BACKUP_SERVER: 'http://x:2' })).toEqual({
      url: 'https://other:1',
      tokenFile: '/t',
      caFile: '/ca',
      registration: undefined,
    });
    const environment = {
      ARRAYFS_BACKUP_SERVER: 'http://127.0.0.1:7071',
      ARRAYFS_BACKUP_TOKEN_FILE: '/e',
    };
    expect(chooseServer(nothing, 'admin', two, environment)).toMatchObject({
      url: 'http://127.0.0.1:7071',
      tokenFile: '/e',
    });
  });

  it.each([
    ['none runs', nothing, [], /no backup server runs on this machine/],
    ['several run', nothing, two, /several backup servers.*7070.*7071/],
    ['nobody has its token', { ...nothing, server: 'http://far:1' }, one, /--token-file/],
    ['the address is none', { ...nothing, server: 'far' }, one, /not the address/],
    [
      'the address carries a secret',
      { ...nothing, server: 'http://a:b@far' },
      one,
      /not the address/,
    ],
  ])('says what to do where %s', (_case, wish, registrations, reason) => {
    expect(() => chooseServer(wish, 'admin', registrations, {})).toThrow(reason);
  });

  it('reads a token, and refuses a file that has none without showing what it has', () => {
    const file = join(scratch, 'token');
    writeFileSync(file, 'abcdefghijklmnop_-0\n');
    expect(readTokenFile(file)).toBe('abcdefghijklmnop_-0');
    writeFileSync(file, 'pass word');
    expect(() => readTokenFile(file)).toThrow(`${file} does not hold a token`);
  });
});
