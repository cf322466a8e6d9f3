/** Microprocessors as real threads of the built program, images to back up, and sinks for restores. */
import { existsSync, readFileSync } from 'node:fs';
import { afterEach } from 'vitest';
import type {
  BackupRequest,
  DeviceAddress,
  ImageSink,
  ImageSource,
  RestoredImage,
  RestoreRequest,
  Transfer,
} from '../../src/array/backup-path.js';
import { MicroprocessorPool, type PoolParts } from '../../src/array/microprocessor-pool.js';
import { systemClock } from '../../src/base/clock.js';
import type { DeviceKind } from '../../src/device/backup-device.js';
import type { BackupForm, BackupManifest, Management } from '../../src/device/backup-manifest.js';
import type { DeviceDefinition } from '../../src/device/open-device.js';
import type { UsablePorts } from '../../src/san/discovery.js';
import type { PortId } from '../../src/san/port-id.js';
import { hashOf } from '../device/backup-source.js';
import { type DeviceCase, makeDevice } from '../device/device-cases.js';
import { RandomSource } from './random-source.js';

/** scripts/test builds before it tests. */
export const MICROPROCESSOR_PROGRAM = new URL(
  '../../dist/src/microprocessor/program.js',
  import.meta.url,
);
export const SERIAL = '94ff8594e542';
export const CHUNK_BYTES = 64 * 1024;
/** Less is moved at a time than by default: more happens between chunks. */
const SHAPE = { chunkBytes: CHUNK_BYTES, chunks: 4, slots: 4 };
export const INITIATORS: readonly PortId[] = ['CL1-C', 'CL2-C'];

const pools: MicroprocessorPool[] = [];

/** Closed after the test. */
export function makePool(parts: Partial<PoolParts> = {}): MicroprocessorPool {
  if (!existsSync(MICROPROCESSOR_PROGRAM)) {
    throw new Error('the program of microprocessors is missing: run scripts/test or npm run build');
  }
  const pool = new MicroprocessorPool({
    ...{ clock: systemClock, serial: SERIAL, program: MICROPROCESSOR_PROGRAM, shape: SHAPE },
    ...parts,
  });
  pools.push(pool);
  return pool;
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

export function portsOf(ports: readonly PortId[] = INITIATORS): () => UsablePorts {
  return () => ({ ports, refused: [] });
}

export function addressOf(definition: DeviceDefinition): DeviceAddress {
  return { name: 'device0', definition };
}

/** Pieces of 16 KiB: random bytes, or zeros. */
export function randomImage(seed: number, bytes: number, holes = 0.3): Buffer {
  const random = new RandomSource(seed);
  const image = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 16_384) {
    const end = Math.min(at + 16_384, bytes);
    if (!random.chance(holes)) image.fill(random.bytes(61), at, end);
  }
  return image;
}

export class ImageInMemory implements ImageSource {
  /** Offsets that were asked for. */
  readonly asked: number[] = [];

  constructor(
    readonly image: Buffer,
    /** Resolves before a piece is given. */
    private readonly before: (
      offset: number,
      signal: AbortSignal,
    ) => Promise<void> | undefined = () => undefined,
  ) {}

  async read(offset: number, target: Uint8Array, signal: AbortSignal) {
    this.asked.push(offset);
    await this.before(offset, signal);
    const piece = this.image.subarray(offset, offset + target.length);
    if (piece.every((byte) => byte === 0)) return { kind: 'zeros', length: piece.length } as const;
    target.set(piece);
    return { kind: 'data', length: piece.length } as const;
  }
}

/** Gives nothing from `heldAt` on before `goOn`: so a transfer is under way as long as a test needs it. */
export function heldImage(
  image: Buffer,
  heldAt: number,
): { source: ImageSource; goOn: () => void } {
  let goOn = () => {};
  const released = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const source = new ImageInMemory(image, (offset, signal) =>
    offset < heldAt ? undefined : Promise.race([released, aborted(signal)]),
  );
  return { source, goOn };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

export class SinkInMemory implements ImageSink {
  restored: RestoredImage | undefined;
  private image = Buffer.alloc(0);
  private end = 0;

  begin(restored: RestoredImage): void {
    this.restored = restored;
    this.image = Buffer.alloc(restored.imageBytes, 0xee);
  }

  write(offset: number, data: Uint8Array): void {
    this.pass(offset, data.length);
    this.image.set(data, offset);
  }

  zeros(offset: number, length: number): void {
    this.pass(offset, length);
    this.image.fill(0, offset, offset + length);
  }

  get content(): Buffer {
    return this.image.subarray(0, this.end);
  }

  private pass(offset: number, length: number): void {
    if (offset > this.end) throw new Error(`nothing was told of ${this.end} to ${offset}`);
    this.end = Math.max(this.end, offset + length);
  }
}

export function managementOf(image: Buffer, changed: Partial<BackupManifest> = {}): Management {
  const manifest: BackupManifest = {
    ...{ backup: '1a2b3c4d-0011-4223-8445-566778899aab', form: 'sparse' },
    ...{ imageBytes: image.length, name: 'db@monday', volumeNumber: 7, label: 'orders' },
    ...{ volumeUuid: '00112233-4455-4677-8899-aabbccddeeff', arraySerial: SERIAL },
    ...{ takenMs: 1_787_218_200_000, startedMs: 1_787_220_000_000 },
    ...changed,
  };
  return { manifest, information: new Uint8Array(512).fill(0x49) };
}

interface Target {
  readonly definition: DeviceDefinition;
  readonly medium: string;
}

export function backupRequest(
  { definition, medium }: Target,
  image: Buffer,
  changed: Partial<BackupRequest> = {},
): BackupRequest {
  return {
    ...{ device: addressOf(definition), ports: portsOf(), number: 1, medium },
    ...{ management: managementOf(image), source: new ImageInMemory(image) },
    ...changed,
  };
}

export function restoreRequest(
  { definition, medium }: Target,
  sink: ImageSink,
  changed: Partial<RestoreRequest> = {},
): RestoreRequest {
  return { device: addressOf(definition), ports: portsOf(), number: 1, medium, sink, ...changed };
}

/** Every kind of device, in every form of a backup. */
export const BACKUP_CASES: readonly [DeviceKind, BackupForm][] = [
  ['tape', 'sparse'],
  ['tape', 'plain'],
  ['disk', 'plain'],
  ['array', 'plain'],
];

/** What is on the medium byte for byte: all that a backup writes is given by the image and the management. */
export function bytesOn({ path }: DeviceCase): string {
  return hashOf(readFileSync(path));
}

/** The same of a backup that nothing disturbs. */
export async function undisturbed(
  kind: DeviceKind,
  form: BackupForm,
  image: Buffer,
): Promise<string> {
  const target = makeDevice(kind);
  const management = managementOf(image, { form });
  const { done } = makePool().backup(backupRequest(target, image, { management }));
  const { outcome } = await done;
  if (outcome !== 'done') throw new Error(`the backup is ${outcome}`);
  return bytesOn(target);
}

/** Rejects where `isOver` is so before: then it never comes true, and a test that waits on would hang. */
export async function until(isTrue: () => boolean, isOver = () => false): Promise<void> {
  while (!isTrue()) {
    if (isOver()) throw new Error('what is waited for has ended before');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Resolves when the transfer moves, or has ended. */
export function moving(transfer: Transfer, doneBytes = 1): Promise<void> {
  return until(() => transfer.phase === 'ended' || transfer.doneBytes >= doneBytes);
}
