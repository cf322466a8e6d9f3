/** Images to every kind of device and back, with writers that stop anywhere. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { DeviceKind } from '../../src/device/backup-device.js';
import { beginBackup, openBackup, resumeBackup } from '../../src/device/backup-image.js';
import type { BackupForm, Management } from '../../src/device/backup-manifest.js';
import type { BackupPointer } from '../../src/device/backup-writer.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { INFORMATION, MANIFEST } from './backup-examples.js';
import { contentOf, denseExtent, feed, hashOf, imageOf, randomExtents } from './backup-source.js';
import { type DeviceCase, makeDevice } from './device-cases.js';
import { faultOf } from './fault-of.js';

afterAll(cleanScratch);

const CASES: readonly [DeviceKind, BackupForm][] = [
  ['tape', 'sparse'],
  ['tape', 'plain'],
  ['disk', 'plain'],
  ['array', 'plain'],
];

function restored({ device, medium }: DeviceCase) {
  const session = device.login('CL2-C');
  try {
    const image = openBackup(session, medium);
    return { image, content: contentOf(image) };
  } finally {
    session.logout();
  }
}

describe.each(CASES)('on %s in %s form', (kind, form) => {
  it('random extents come back, whatever writers stopped on the way', () => {
    const random = new RandomSource(0xca5e);
    for (let round = 0; round < repeat(6); round += 1) {
      const made = makeDevice(kind);
      const imageBytes = random.integer(1, 3_000) * 512;
      const extents = randomExtents(random, imageBytes);
      const manifest = { ...MANIFEST, form, imageBytes };
      writeWithStops(made, { manifest, information: INFORMATION }, extents, random);
      const { image, content } = restored(made);
      expect(image.imageBytes).toBe(imageBytes);
      expect(image.information).toEqual(kind === 'disk' ? undefined : INFORMATION);
      expect(hashOf(content)).toBe(hashOf(imageOf(extents, imageBytes)));
    }
  });

  it('holes of the image are none of the extents that come back', () => {
    const made = makeDevice(kind);
    const extents = [denseExtent(65_536, 65_536), denseExtent(2 ** 19, 512)];
    const session = made.device.login('CL1-C');
    const management = { manifest: { ...MANIFEST, form }, information: undefined };
    const writer = beginBackup(session, made.medium, management);
    feed(writer, extents);
    writer.finish();
    session.logout();
    const reader = made.device.login('CL2-C');
    const image = openBackup(reader, made.medium);
    let bytes = 0;
    for (const { data } of image.extents()) bytes += data.length;
    // Of a plain file on tape nobody knows what was a hole.
    expect(bytes).toBeLessThanOrEqual(form === 'plain' && kind === 'tape' ? 2 ** 20 : 2 * 65_536);
    reader.logout();
  });

  it('extents that do not ascend, or reach beyond the image, are a mistake of the caller', () => {
    const made = makeDevice(kind);
    const session = made.device.login('CL1-C');
    const management = { manifest: { ...MANIFEST, form }, information: undefined };
    const writer = beginBackup(session, made.medium, management);
    writer.write(1024, new Uint8Array(1024));
    expect(writer.nextOffset).toBe(2048);
    expect(() => writer.write(1536, new Uint8Array(512))).toThrow('assertion failed');
    expect(() => writer.write(2 ** 20, new Uint8Array(512))).toThrow('assertion failed');
    session.logout();
  });

  it('a backup without its medium is not begun', () => {
    const made = makeDevice(kind);
    const other = made.device.login('CL2-C');
    other.reserve(made.medium);
    const session = made.device.login('CL1-C');
    const management = { manifest: { ...MANIFEST, form }, information: undefined };
    expect(faultOf(() => beginBackup(session, made.medium, management))).toBe('busy');
    other.logout();
  });
});

describe('a backup on a disk that goes on before its first byte', () => {
  it('begins anew: nothing of what the disk had before shows in its holes', () => {
    const made = makeDevice('disk');
    const management = { manifest: { ...MANIFEST, imageBytes: 8_192 }, information: undefined };
    const first = made.device.login('CL1-C');
    const pointer = beginBackup(first, made.medium, management).checkpoint();
    first.logout();
    // As after a power cut that took the truncation back.
    writeFileSync(made.path, new Uint8Array(16_384).fill(9));
    const session = made.device.login('CL1-C');
    const writer = resumeBackup(session, pointer, management);
    writer.write(4_096, new Uint8Array(512).fill(1));
    writer.finish();
    session.logout();
    const image = new Uint8Array(8_192).fill(1, 4_096, 4_608);
    expect(readFileSync(made.path).equals(image)).toBe(true);
  });
});

/** Each writer writes some extents and goes without a word; pointers are kept now and then. */
function writeWithStops(
  { device, medium }: DeviceCase,
  management: Management,
  extents: ReturnType<typeof randomExtents>,
  random: RandomSource,
): void {
  let pointer: BackupPointer | undefined;
  for (let isDone = false; !isDone; ) {
    const session = device.login('CL1-C');
    const writer =
      pointer === undefined
        ? beginBackup(session, medium, management)
        : resumeBackup(session, pointer, management);
    pointer ??= writer.checkpoint();
    const left = extents.filter(({ offset, data }) => offset + data.length > writer.nextOffset);
    const count = random.integer(0, left.length + 5);
    feed(writer, left.slice(0, count));
    // As it is kept outside the writer's thread: plain data.
    if (random.chance(0.5)) pointer = structuredClone(writer.checkpoint());
    isDone = count >= left.length;
    if (isDone) writer.finish();
    session.logout();
  }
}
