/** Media that somebody takes away, replaces or cuts off while a backup is written to them. */
import { renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { beginBackup } from '../../src/device/backup-image.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { MANIFEST } from './backup-examples.js';
import { denseExtent, feed } from './backup-source.js';
import { makeDevice } from './device-cases.js';
import { faultOf, reasonOf } from './fault-of.js';

afterAll(cleanScratch);

const MIB = 2 ** 20;
const MANAGEMENT = { manifest: { ...MANIFEST, imageBytes: MIB / 2 }, information: undefined };
const CHANGES: readonly (readonly [string, (path: string) => void, RegExp])[] = [
  ['deleted', (path) => rmSync(path), /is gone/],
  ['moved away', (path) => renameSync(path, `${path}.away`), /is gone/],
  ['replaced', replaceFile, /is another file now/],
  ['cut off', (path) => truncateSync(path, statSync(path).size - 512), /was cut off by somebody/],
];

function replaceFile(path: string): void {
  writeFileSync(`${path}.new`, Buffer.alloc(statSync(path).size));
  renameSync(`${path}.new`, path);
}

describe.each(['tape', 'disk'] as const)('the medium of a %s', (kind) => {
  const begun = () => {
    const { device, medium, path } = makeDevice(kind);
    const session = device.login('CL1-C');
    const writer = beginBackup(session, medium, MANAGEMENT);
    feed(writer, [denseExtent(0, MIB / 4)]);
    return { session, writer, path };
  };

  it.each(CHANGES)(
    'that is %s ends its backup, and nothing counts as durable',
    (_what, change, why) => {
      const { session, writer, path } = begun();
      writer.checkpoint();
      change(path);
      expect(faultOf(() => writer.checkpoint())).toBe('changed');
      expect(reasonOf(() => writer.finish())).toMatch(why);
      session.logout();
    },
  );

  it('that is cut off is not filled with zeros by what is written then', () => {
    const { session, writer, path } = begun();
    truncateSync(path, 1024);
    expect(faultOf(() => feed(writer, [denseExtent(MIB / 4, MIB / 4)]))).toBe('changed');
    expect(statSync(path).size).toBe(1024);
    session.logout();
  });
});
