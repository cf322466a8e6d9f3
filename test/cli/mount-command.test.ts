/** What `arrayfs mount` makes of its words before it starts a daemon. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CACHE_BYTES_DEFAULT } from '../../src/base/limits.js';
import { daemonOptions } from '../../src/cli/mount-command.js';

const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'arrayfs-mount-')));
const store = join(scratch, 'store');
const mountPoint = join(scratch, 'mount');
mkdirSync(store);
mkdirSync(mountPoint);
symlinkSync(store, join(scratch, 'link'));
symlinkSync(mountPoint, join(scratch, 'way-in'));
afterAll(() => rmSync(scratch, { recursive: true }));

const DEFAULTS = { umask: '077', transport: 'auto', cache: 'none' } as const;

describe('daemonOptions', () => {
  it('fills in the defaults: the user, private files, no log file', () => {
    expect(daemonOptions(store, mountPoint, DEFAULTS)).toEqual({
      storeDirectory: store,
      mountPoint,
      poolDirectories: [],
      without: [],
      readOnly: false,
      allowOther: false,
      allowFaults: false,
      cacheBytes: CACHE_BYTES_DEFAULT,
      pageCache: 'none',
      defaultOwner: { uid: process.getuid?.(), gid: process.getgid?.(), mode: 0o600 },
      transport: 'auto',
      logFile: undefined,
    });
  });

  it('takes owner, umask, size of the write cache and what the page cache keeps', () => {
    const caches = { writeCache: '8M', cache: 'kernel' } as const;
    const words = { ...DEFAULTS, uid: '7', gid: '8', umask: '027', ...caches };
    expect(daemonOptions(store, mountPoint, words)).toMatchObject({
      defaultOwner: { uid: 7, gid: 8, mode: 0o640 },
      cacheBytes: 8 * 2 ** 20,
      pageCache: 'kernel',
    });
  });

  it('follows links of the store', () => {
    const { storeDirectory } = daemonOptions(join(scratch, 'link'), mountPoint, DEFAULTS);
    expect(storeDirectory).toBe(store);
  });

  it.each([
    ['umask', { umask: '9' }, 'EINVAL', '--umask'],
    ['user', { uid: 'root' }, 'EINVAL', '--uid'],
    ['group', { gid: '-1' }, 'EINVAL', '--gid'],
    ['size', { writeCache: 'large' }, 'EINVAL', 'not a size'],
    ['cache that is too small', { writeCache: '1K' }, 'EINVAL', '--write-cache takes 4M to 16G'],
    ['log on the mount', { logFile: join(mountPoint, 'log') }, 'EINVAL', 'own mount'],
    ['log on the mount by a link', { logFile: join(scratch, 'way-in/x') }, 'EINVAL', 'own mount'],
    ['pool on the mount', { pool: [join(mountPoint, 'pool')] }, 'EINVAL', 'own mount'],
  ])('refuses a bad %s', (_what, words, code, reason) => {
    expect(() => daemonOptions(store, mountPoint, { ...DEFAULTS, ...words })).toThrow(
      expect.objectContaining({ code, reason: expect.stringContaining(reason) }),
    );
  });

  it('refuses a store on the mount, and one that is not there', () => {
    const inside = join(mountPoint, 'store');
    expect(() => daemonOptions(inside, mountPoint, DEFAULTS)).toThrow('own mount');
    const missing = join(scratch, 'none');
    expect(() => daemonOptions(missing, mountPoint, DEFAULTS)).toThrow('arrayfs init');
  });
});
