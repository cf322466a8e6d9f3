/** Volume information with a different value in every field, for the tests that need some. */
import type { VolumeInfo } from '../../src/volume/volume-info.js';

export const EXAMPLE_INFO: VolumeInfo = {
  holdsBackup: true,
  volumeUuid: '00112233-4455-6677-8899-aabbccddeeff',
  timeStampMs: 0x0102030405,
  scheduledMs: 0x0102030406,
  startedMs: 0x0102030407,
  endedMs: 0x0102030408,
  volumeNumber: 0x11121314,
  sourceNumber: 0x21222324,
  sourceUuid: '10112233-4455-6677-8899-aabbccddeeff',
  generation: 3,
  kind: 'tape',
  label: 'nightly',
  hostName: 'host-1',
  mountPoint: '/srv/größe',
  imageSha256: new Uint8Array(32).fill(0xa5),
  definitionName: 'orders',
  jobNumber: 77,
  copyOfJobNumber: 76,
  imageBytes: 0x0a0000000000,
  arrayUuid: '20112233-4455-6677-8899-aabbccddeeff',
  memberNumber: 2,
  memberCount: 5,
};
