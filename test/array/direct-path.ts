/**
 * The way to backup devices without threads: each errand is carried out at once, through the first port that may be used. What the
 * real one does beyond this (searching, failing over) is tested with it.
 */
import type {
  BackupPath,
  BackupRequest,
  DeviceSession,
  Errand,
  OperationAnswer,
  PortProbe,
  ProbeRequest,
  RestoreRequest,
  SessionRequest,
  Transfer,
  TransferEnd,
} from '../../src/array/backup-path.js';
import { PathError } from '../../src/array/backup-path.js';
import { asArrayError } from '../../src/base/errors.js';
import type { DeviceSession as OpenSession, StreamMedium } from '../../src/device/backup-device.js';
import { beginBackup, openBackup } from '../../src/device/backup-image.js';
import { DEVICE_FAULTS, DeviceError } from '../../src/device/device-error.js';
import { openDevice } from '../../src/device/open-device.js';
import { blockOperation } from '../../src/microprocessor/block-operations.js';
import type { DeviceOperation } from '../../src/microprocessor/device-operation.js';
import { streamOperation } from '../../src/microprocessor/stream-operations.js';
import { searchError } from '../../src/san/search-reasons.js';

const CHUNK_BYTES = 64 * 1024;
const ERRAND = { port: 'CL1-C', microprocessor: 'CL1-M0', attempts: 1 } as const;

type Request = Pick<BackupRequest, 'device' | 'ports' | 'onChange'>;
interface Progress {
  doneBytes: number;
  isCancelled: boolean;
  readonly abort: AbortController;
}

export class DirectPath implements BackupPath {
  backup(request: BackupRequest): Transfer {
    return transfer(request, (session, progress) => writeBackup(session, request, progress));
  }

  restore(request: RestoreRequest): Transfer {
    return transfer(request, (session, progress) => readBackup(session, request, progress));
  }

  openSession(request: SessionRequest): DeviceSession {
    let session: OpenSession | undefined;
    const opened = () => {
      if (session !== undefined) return session;
      session = logIn(request);
      session.reserve(request.medium);
      session.load(request.mode);
      return session;
    };
    return {
      ...{ ...ERRAND, phase: 'moving', cancel() {}, handOver() {} },
      async run(operation, data = new Uint8Array()) {
        await Promise.resolve();
        const loaded = () => session?.loaded as Partial<StreamMedium> | undefined;
        const before = loaded()?.position;
        try {
          return answerOf(opened(), operation, data);
        } catch (error) {
          // A tape stands then where it stood.
          if (before !== undefined) loaded()?.seek?.(before);
          throw asPathError(error);
        }
      },
      async close() {
        session?.logout();
      },
    };
  }

  async probe(request: ProbeRequest): Promise<readonly PortProbe[]> {
    const { ports, refused } = request.ports();
    const { kind } = request.device.definition;
    const media = openDevice(request.device.definition).media();
    return [
      ...ports.map((port) => ({
        ...{ port, reason: 'found' as const, detail: '' },
        sighting: { device: kind, media },
      })),
      ...refused.map((result) => ({ ...result, detail: '' })),
    ];
  }

  portsChanged(): void {}
  prepare(): void {}
  standBy(): void {}
  kill(): void {}
  setDown(): void {}
  microprocessors() {
    return [];
  }

  async close(): Promise<void> {}
}

function transfer(
  request: Request,
  work: (session: OpenSession, progress: Progress) => Promise<readonly string[]>,
): Transfer {
  const progress: Progress = { doneBytes: 0, isCancelled: false, abort: new AbortController() };
  const errand: Errand = { ...ERRAND, phase: 'moving', cancel() {}, handOver() {} };
  return {
    ...errand,
    cancel: () => {
      progress.isCancelled = true;
      progress.abort.abort();
    },
    get doneBytes() {
      return progress.doneBytes;
    },
    durable: undefined,
    done: carriedOut(request, progress, work),
  };
}

function logIn({ device, ports }: Pick<Request, 'device' | 'ports'>): OpenSession {
  const { ports: usable, refused } = ports();
  const [port] = usable;
  if (port === undefined) throw searchError(device.name, refused);
  return openDevice(device.definition).login(port);
}

/** As a microprocessor answers. */
function answerOf(
  session: OpenSession,
  operation: DeviceOperation,
  data: Uint8Array,
): OperationAnswer {
  const { device, loaded } = session;
  const none = new Uint8Array();
  switch (operation.kind) {
    case 'test-ready':
      return { reply: { kind: 'done' }, data: none };
    case 'sync':
      loaded.sync();
      return { reply: { kind: 'done' }, data: none };
    case 'inquire': {
      const sizeBytes = 'sizeBytes' in loaded ? loaded.sizeBytes : 0;
      const { kind, structure } = device;
      const medium = session.reserved ?? '';
      const inquiry = { device: kind, structure, medium, capacity: session.capacity(), sizeBytes };
      return { reply: { kind: 'inquiry', inquiry }, data: none };
    }
    default: {
      const answer =
        'beginImage' in loaded
          ? blockOperation(loaded, operation, data)
          : streamOperation(loaded, operation, data);
      return { reply: answer.reply, data: answer.data ?? none };
    }
  }
}

async function carriedOut(
  request: Request,
  progress: Progress,
  work: (session: OpenSession, progress: Progress) => Promise<readonly string[]>,
): Promise<TransferEnd> {
  await Promise.resolve();
  let session: OpenSession | undefined;
  try {
    session = logIn(request);
    const media = await work(session, progress);
    return progress.isCancelled ? { outcome: 'cancelled' } : { outcome: 'done', media };
  } catch (error) {
    return { outcome: 'failed', error: asPathError(error) };
  } finally {
    session?.logout();
  }
}

function asPathError(error: unknown) {
  if (!(error instanceof DeviceError)) return asArrayError(error);
  const { fault, code, reason } = error;
  return new PathError(code, reason, { fault, sense: DEVICE_FAULTS[fault] });
}

async function writeBackup(
  session: OpenSession,
  { medium, management, source, onChange }: BackupRequest,
  progress: Progress,
): Promise<readonly string[]> {
  const writer = beginBackup(session, medium, management);
  const target = new Uint8Array(CHUNK_BYTES);
  const { signal } = progress.abort;
  while (progress.doneBytes < management.manifest.imageBytes && !progress.isCancelled) {
    const { kind, length } = await source.read(progress.doneBytes, target, signal);
    if (kind === 'data') writer.write(progress.doneBytes, target.subarray(0, length));
    if (kind === 'zeros' && management.manifest.base) writer.zero(progress.doneBytes, length);
    progress.doneBytes += length;
    onChange?.();
  }
  return progress.isCancelled ? [] : writer.finish().media;
}

async function readBackup(
  session: OpenSession,
  { medium, reference, sink, onChange }: RestoreRequest,
  progress: Progress,
): Promise<readonly string[]> {
  const image = openBackup(session, medium, reference);
  await sink.begin(image);
  const passTo = async (offset: number) => {
    if (offset > progress.doneBytes && image.manifest?.base === undefined)
      await sink.zeros(progress.doneBytes, offset - progress.doneBytes);
    progress.doneBytes = offset;
  };
  for (const { offset, data, isZeros } of image.extents()) {
    if (progress.isCancelled) return [];
    await passTo(offset);
    if (isZeros) await sink.zeros(offset, data.length);
    else await sink.write(offset, data);
    progress.doneBytes += data.length;
    onChange?.();
  }
  await passTo(image.imageBytes);
  return [medium];
}
