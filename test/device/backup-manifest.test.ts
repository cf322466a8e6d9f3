/** Management blocks: the bytes by hand, what is refused on writing and on reading. */
import { describe, expect, it } from 'vitest';
import { decodeManagement, encodeManagement } from '../../src/device/backup-manifest.js';
import { INFORMATION, MANIFEST, MANIFEST_TEXT, managementBlock } from './backup-examples.js';
import { faultOf, reasonOf } from './fault-of.js';

const BASE = { image: MANIFEST.backup, name: 'db@monday', number: 7, imageBytes: 2 ** 20 };

describe('a management block', () => {
  it('is the sector, then the manifest as padded JSON', () => {
    const block = encodeManagement({ manifest: MANIFEST, information: INFORMATION });
    expect(Buffer.from(block)).toEqual(managementBlock());
    expect(block.length).toBe(1024);
    expect(decodeManagement(block)).toEqual({ manifest: MANIFEST, information: INFORMATION });
  });

  it('without a sector begins with zeros', () => {
    const block = encodeManagement({ manifest: MANIFEST, information: undefined });
    expect(Buffer.from(block.subarray(0, 512))).toEqual(Buffer.alloc(512));
    expect(decodeManagement(block)).toEqual({ manifest: MANIFEST, information: undefined });
  });

  it('takes texts of any language', () => {
    const manifest = { ...MANIFEST, label: 'Bestellungen für Überall 注文' };
    expect(decodeManagement(encodeManagement({ manifest, information: undefined }))).toEqual({
      manifest,
      information: undefined,
    });
  });

  it('keeps the checksum of the image', () => {
    const manifest = { ...MANIFEST, imageSha256: 'ab'.repeat(32) };
    const block = encodeManagement({ manifest, information: undefined });
    expect(decodeManagement(block).manifest).toEqual(manifest);
  });

  it('of an increment is of another format, which older programs refuse', () => {
    const manifest = { ...MANIFEST, image: MANIFEST.volumeUuid, base: BASE };
    const block = encodeManagement({ manifest, information: undefined });
    expect(Buffer.from(block).toString('utf8', 512, 534)).toBe('{"format":"AFSBACK2","');
    expect(decodeManagement(block).manifest).toEqual(manifest);
    const text = JSON.stringify({ format: 'AFSBACK1', ...manifest });
    expect(faultOf(() => decodeManagement(managementBlock(text)))).toBe('foreign');
  });

  it.each<[string, object]>([
    ['an image that is no UUID', { image: 'monday' }],
    ['a base without an image', { base: { ...BASE, image: undefined } }],
    ['a base of a size that cannot be', { base: { ...BASE, imageBytes: -1 } }],
    ['a base, and plain', { base: BASE, form: 'plain' }],
    ['a form that is none', { form: 'dense' }],
    ['half a sector', { imageBytes: 100 }],
    ['an image too large', { imageBytes: 2 ** 45 }],
    ['a backup that is no UUID', { backup: 'monday' }],
    ['a time that is none', { takenMs: -1 }],
    ['a checksum that is none', { imageSha256: 'abc' }],
  ])('with %s is neither written nor read', (_what, change) => {
    const manifest = { ...MANIFEST, ...change };
    expect(faultOf(() => encodeManagement({ manifest, information: undefined }))).toBe('invalid');
    const format = 'base' in change ? 'AFSBACK2' : 'AFSBACK1';
    const text = JSON.stringify({ format, ...manifest });
    expect(faultOf(() => decodeManagement(managementBlock(text)))).toBe('damaged');
  });

  it('does not fit with a sector of another size, or a text of 64 KiB', () => {
    const information = new Uint8Array(511);
    expect(faultOf(() => encodeManagement({ manifest: MANIFEST, information }))).toBe('invalid');
    const manifest = { ...MANIFEST, label: 'x'.repeat(65_536) };
    expect(faultOf(() => encodeManagement({ manifest, information: undefined }))).toBe('invalid');
  });

  it.each<[string, Buffer]>([
    ['too short', managementBlock().subarray(0, 512)],
    ['no whole sectors', managementBlock().subarray(0, 1000)],
    ['no JSON', managementBlock('{"format":')],
    ['a number', managementBlock('17')],
    ['something else', managementBlock('{"format":"other"}')],
  ])('that is %s is foreign', (_what, block) => {
    expect(faultOf(() => decodeManagement(block))).toBe('foreign');
  });

  it('of a later layout says so', () => {
    const block = managementBlock(MANIFEST_TEXT.replace('AFSBACK1', 'AFSBACK2'));
    expect(reasonOf(() => decodeManagement(block))).toBe(
      'backup format AFSBACK2 is not known here',
    );
  });
});
