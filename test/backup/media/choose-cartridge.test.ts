/** Which cartridges a copy may go to, over a directory of plain files. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { writableCartridges } from '../../../src/backup/media/choose-cartridge.js';
import { cleanScratch } from '../../support/scratch-directory.js';
import { FakeArray } from '../fake-array.js';
import { FakeContext } from '../fake-context.js';

let array: FakeArray;
let device: Record<string, unknown>;

afterAll(cleanScratch);

beforeEach(() => {
  array = new FakeArray('11111111-0000-4000-8000-000000000000');
  const media = ['AFS001', 'AFS002', 'AFS003', 'AFS004', 'AFS005'].map((name) => ({
    ...{ name, isProtected: name === 'AFS003' },
    ...(name === 'AFS002' && { holder: 'port CL1-C of array 7' }),
  }));
  device = { name: 'tape0', kind: 'tape', state: 'available', path: '/tapes', media };
  array.tables.set('backups', [
    row('AFS001', { number: 1, state: 'continued', partState: 'continued', part: 1 }),
    row('AFS004', { problems: ['the cartridge has no labels'] }),
    row('AFS005', { file: 'X', part: 2, partState: 'complete' }),
  ]);
  array.commands.set('discover', () => {
    const job = { state: 'done', message: '', done: 1, total: 1, unit: 'blocks' };
    writeFileSync(join(array.mountPoint, 'jobs', '1.json'), JSON.stringify(job));
    return 'job 1 discover tape0';
  });
});

function row(medium: string, more: object): object {
  const none = { number: null, backup: null, file: null, part: null, partState: null };
  const rest = { state: '', information: null, manifest: null, problems: [] };
  return { device: 'tape0', medium, ...none, ...rest, ...more };
}

async function chosen(destination: string): Promise<readonly string[]> {
  array.tables.set('devices', [device, { ...device, name: 'disk0', kind: 'disk' }]);
  array.write();
  return writableCartridges(array.known, destination, new FakeContext([array.known]));
}

describe('the cartridges for a copy', () => {
  it('are those that nobody uses, protects or needs for a further part', async () => {
    expect(await chosen('tape0')).toEqual(['tape0/AFS005']);
  });

  it('are the one that is named, without a look at the others', async () => {
    expect(await chosen('tape0/AFS002')).toEqual(['tape0/AFS002']);
    expect(array.lines).toEqual([]);
  });

  it('may be none: each is told with the reason', async () => {
    device.media = (device.media as object[]).slice(0, 4);
    await expect(chosen('tape0')).rejects.toMatchObject({
      code: 'ENOSPC',
      reason:
        'no cartridge of tape0 can take a backup: AFS001 goes on on another cartridge, AFS002 is in use by port CL1-C of array 7, AFS003 is write-protected, AFS004 could not be read: the cartridge has no labels',
    });
  });

  it.each([
    ['tape1', 'ENOENT'],
    ['disk0', 'EINVAL'],
  ])('of %s are refused with %s', async (name, code) => {
    await expect(chosen(name)).rejects.toMatchObject({ code });
  });

  it('need a device that is available', async () => {
    device.state = 'missing';
    await expect(chosen('tape0')).rejects.toMatchObject({ code: 'ENODEV' });
  });
});
