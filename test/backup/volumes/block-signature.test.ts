/** What blkid and partx say, and which kernels know clones of btrfs. */
import { describe, expect, it } from 'vitest';
import { parsePartitions, parseSignature } from '../../../src/backup/volumes/block-signature.js';
import { knowsBtrfsClones } from '../../../src/backup/volumes/mount-image.js';

describe('parseSignature', () => {
  it.each([
    [
      'DEVNAME=/dev/loop0\nUUID=1-2\nLABEL=a=b\nTYPE=ext4\nUSAGE=filesystem',
      { kind: 'file system', type: 'ext4' },
    ],
    ['DEVNAME=/dev/loop0\nPTUUID=1-2\nPTTYPE=gpt', { kind: 'partitions' }],
    ['TYPE=LVM2_member\nUSAGE=raid', { kind: 'other', type: 'LVM2_member' }],
    ['', { kind: 'other', type: 'nothing that is known' }],
  ])('of %j', (text, signature) => {
    expect(parseSignature(text)).toEqual(signature);
  });
});

describe('parsePartitions', () => {
  it('reads numbers, offsets and sizes in sectors of 512 bytes', () => {
    expect(parsePartitions('1 2048 16384\n 3 18432 2\n\n')).toEqual([
      { number: 1, offsetBytes: 2048 * 512, sizeBytes: 16384 * 512 },
      { number: 3, offsetBytes: 18432 * 512, sizeBytes: 1024 },
    ]);
  });
});

describe('knowsBtrfsClones', () => {
  it.each([
    ['6.7.0', true],
    ['6.18.44-fc', true],
    ['7.0', true],
    ['6.1.0-28-amd64', false],
    ['5.15', false],
  ])('%s: %s', (kernel, knows) => {
    expect(knowsBtrfsClones(kernel)).toBe(knows);
  });
});
