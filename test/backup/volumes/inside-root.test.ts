/** Paths, links and targets of files in a backup, over plain directories. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTarget } from '../../../src/backup/volumes/copy-files.js';
import { resolveInside } from '../../../src/backup/volumes/inside-root.js';
import { listFiles } from '../../../src/backup/volumes/list-files.js';

let scratch = '';
let root = '';

beforeAll(() => {
  scratch = realpathSync(mkdtempSync(join(tmpdir(), 'arrayfs-inside-')));
  root = join(scratch, 'root');
  mkdirSync(join(root, 'var/lib'), { recursive: true });
  writeFileSync(join(root, 'var/lib/db'), 'content');
  symlinkSync('/var/lib', join(root, 'absolute'));
  symlinkSync('../../var', join(root, 'var/up'));
  symlinkSync('../../../../..', join(root, 'out'));
  symlinkSync('self', join(root, 'self'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('resolveInside', () => {
  it.each([
    ['/', ''],
    ['/var//./lib/', 'var/lib'],
    ['/absolute/db', 'var/lib/db'],
    ['/var/up/lib/db', 'var/lib/db'],
    ['/out', ''],
    ['/out/var', 'var'],
    ['/../../var', 'var'],
    ['/var/lib/../..', ''],
  ])('%s is %j', async (path, place) => {
    expect(await resolveInside(root, path, 'follow')).toBe(join(root, place));
  });

  it('keeps a link at the end where that is what is meant', async () => {
    expect(await resolveInside(root, '/out/absolute', 'keep')).toBe(join(root, 'absolute'));
  });

  it.each([
    ['/none/x', 'ENOENT: the backup has no /none'],
    ['/var/lib/db/x', 'ENOTDIR: /var/lib/db/x is below a file'],
    ['/self', 'EINVAL: too many symbolic links: /self'],
  ])('refuses %s: %s', async (path, reason) => {
    await expect(resolveInside(root, path, 'follow')).rejects.toThrow(reason);
  });
});

describe('listFiles', () => {
  it('tells where links lead', async () => {
    const { rows } = await listFiles(root, '/');
    expect(rows.map(({ name, type, target }) => [name, type, target])).toEqual([
      ['absolute', 'link', '/var/lib'],
      ['out', 'link', '../../../../..'],
      ['self', 'link', 'self'],
      ['var', 'directory', null],
    ]);
  });

  it('tells what is no file, and names and links that are not UTF-8, byte by byte', async () => {
    const place = join(scratch, 'odd');
    mkdirSync(place);
    execFileSync('mkfifo', [join(place, 'pipe')]);
    const bad = Buffer.concat([Buffer.from(`${place}/bäd`), Buffer.from([0xff, 0x20])]);
    symlinkSync(Buffer.from([0xfe]), bad);
    writeFileSync(join(place, 'größe'), 'x');
    const { rows } = await listFiles(place, '/');
    expect(rows.map(({ name, type, target }) => [name, type, target])).toEqual([
      ['b\\xc3\\xa4d\\xff ', 'link', '\\xfe'],
      ['größe', 'file', null],
      ['pipe', 'pipe', null],
    ]);
  });

  it('ends at its limit and says so', async () => {
    expect(await listFiles(root, '/', 3)).toMatchObject({ isTruncated: true });
    expect((await listFiles(root, '/', 3)).rows).toHaveLength(3);
    expect(await listFiles(root, '/', 4)).toMatchObject({ isTruncated: false });
  });
});

describe('openTarget', () => {
  it('makes a directory where that is allowed, and nothing where it is not', async () => {
    const allowed = join(scratch, 'allowed');
    mkdirSync(allowed);
    symlinkSync(root, join(allowed, 'link'));
    const target = await openTarget(join(allowed, 'new/one'), ['/none', allowed]);
    expect((await target.stat()).isDirectory()).toBe(true);
    await target.close();
    for (const to of ['link', 'link/deeper', '../other', '../allowed-too']) {
      await expect(openTarget(join(allowed, to), [allowed])).rejects.toThrow('EPERM');
    }
    await expect(listFiles(root, '/deeper')).rejects.toThrow('ENOENT');
    await expect(openTarget(join(allowed, 'x'), [])).rejects.toThrow('--allow-target');
  });
});
