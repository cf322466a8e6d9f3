/**
 * What is on a block device, by blkid(8) and partx(8), which read it themselves: neither the kernel's partition code nor udev is
 * needed, and no cache is believed.
 */
import type { Clock } from '../../base/clock.js';
import { ArrayError } from '../../base/errors.js';
import { programEnd, programOutput } from '../run-program.js';

const PROBE_MS_MAX = 60_000;
const NOTHING_FOUND = 2;
const SECTOR_BYTES = 512;

export type Signature =
  | { readonly kind: 'file system'; readonly type: string }
  | { readonly kind: 'partitions' }
  /** Such as `LVM2_member`, or nothing that is known. */
  | { readonly kind: 'other'; readonly type: string };

export interface Partition {
  readonly number: number;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

export async function signatureOf(device: string, clock: Clock): Promise<Signature> {
  const words = ['--probe', '--output', 'export', device];
  const run = { clock, timeoutMs: PROBE_MS_MAX };
  const { status, output, errors } = await programEnd('blkid', words, run);
  if (status !== 0 && status !== NOTHING_FOUND) {
    throw new ArrayError('EIO', `blkid of ${device} failed: ${errors || `status ${status}`}`);
  }
  return parseSignature(output);
}

/** `KEY=VALUE` lines of blkid. */
export function parseSignature(text: string): Signature {
  const values = new Map(
    text.split('\n').map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
  );
  const type = values.get('TYPE');
  if (type !== undefined && values.get('USAGE') === 'filesystem') {
    return { kind: 'file system', type };
  }
  if (type === undefined && values.has('PTTYPE')) return { kind: 'partitions' };
  return { kind: 'other', type: type ?? 'nothing that is known' };
}

export async function partitionsOf(device: string, clock: Clock): Promise<readonly Partition[]> {
  const columns = ['--output', 'NR,START,SECTORS'];
  const words = ['--raw', '--noheadings', ...columns, device];
  return parsePartitions(await programOutput('partx', words, { clock, timeoutMs: PROBE_MS_MAX }));
}

/** `NR START SECTORS` lines of partx. */
export function parsePartitions(text: string): readonly Partition[] {
  return text.split('\n').flatMap((line) => {
    const [number, start, sectors] = line.trim().split(/\s+/).map(Number);
    if (!number || !start || !sectors) return [];
    const place = { offsetBytes: start * SECTOR_BYTES, sizeBytes: sectors * SECTOR_BYTES };
    return [{ number, ...place }];
  });
}
