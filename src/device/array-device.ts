/**
 * Another mounted arrayfs by the path of its mount: its volumes are the media. Loading a volume for
 * writing makes it where there is none; beginning an image clears its volume information and sets
 * its size; what the other array refuses (a volume in use, reserved, or in a job) is told as the
 * errno of that refusal says. The lock of a medium keeps out other sessions of this machine, the other
 * array itself whatever its rules keep out.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, realpathSync, type Stats, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { asArrayError } from '../base/errors.js';
import { INFO_BYTES } from '../base/limits.js';
import { nameProblem } from '../base/names.js';
import { SECTOR_BYTES } from '../base/sizes.js';
import type { BlockDevice, BlockSession, Capacity, MediumInfo } from './backup-device.js';
import { DeviceError, withDeviceErrors } from './device-error.js';
import { ImageMedium, type InformationPlace } from './image-medium.js';
import { isWriteProtected } from './library-files.js';
import { type Attempt, lockDirectory, lockHolder, type OwnerLock } from './owner-lock.js';
import { directoryProblem } from './path-kind.js';
import { PositionedBytes } from './positioned-bytes.js';
import { checkAdmitted, freeBytes, SessionBase } from './session-base.js';

const LOCK_HASH_CHARACTERS = 12;

export class ArrayDevice implements BlockDevice {
  readonly kind = 'array';
  readonly structure = 'block';

  constructor(
    readonly path: string,
    private readonly admits?: readonly string[],
  ) {}

  media(): readonly MediumInfo[] {
    this.checkMounted();
    return withDeviceErrors(() =>
      readdirSync(join(this.path, 'volumes'))
        .sort()
        .flatMap((name) => this.volume(name) ?? []),
    );
  }

  login(initiator: string, attempt?: Attempt): BlockSession {
    this.checkMounted();
    checkAdmitted(`array ${this.path}`, this.admits, initiator);
    return new ArraySession(this, initiator, attempt);
  }

  /** Undefined where there is no such volume. */
  find(volume: string): Stats | undefined {
    return statSync(this.imagePath(volume), { throwIfNoEntry: false });
  }

  imagePath(volume: string): string {
    return join(this.path, 'volumes', volume);
  }

  /** In the mounted tree there is no place for a lock. */
  lockPath(volume: string): string {
    const place = createHash('sha256').update(realpathSync(this.path)).digest('hex');
    return join(lockDirectory(), `arrayfs-${place.slice(0, LOCK_HASH_CHARACTERS)}-${volume}`);
  }

  private volume(name: string): MediumInfo | undefined {
    const stats = this.find(name);
    if (stats === undefined) return undefined;
    const holder = lockHolder(this.lockPath(name));
    const usedBytes = stats.blocks * SECTOR_BYTES;
    return { name, usedBytes, isProtected: isWriteProtected(stats), ...(holder && { holder }) };
  }

  private checkMounted(): void {
    for (const part of ['volumes', 'info', 'ctl/info']) {
      try {
        statSync(join(this.path, part));
      } catch (error) {
        const reason = directoryProblem(this.path) ?? asArrayError(error).reason;
        throw new DeviceError('missing', `no array is mounted at ${this.path}: ${reason}`);
      }
    }
  }
}

class ArraySession extends SessionBase<ImageMedium> implements BlockSession {
  constructor(
    readonly device: ArrayDevice,
    initiator: string,
    attempt: Attempt | undefined,
  ) {
    super(initiator, attempt);
  }

  protected take(volume: string): OwnerLock {
    const problem = nameProblem(volume);
    if (problem !== undefined) throw new DeviceError('invalid', problem);
    return this.lockOrBusy(this.device.lockPath(volume), `volume ${volume}`);
  }

  protected open(volume: string, mode: 'read' | 'write'): ImageMedium {
    const stats = this.device.find(volume);
    if (mode === 'read' && stats === undefined) {
      throw new DeviceError('no-medium', `array ${this.device.path} has no volume ${volume}`);
    }
    if (mode === 'write' && stats !== undefined && isWriteProtected(stats)) {
      throw new DeviceError('write-protected', `volume ${volume} is write-protected`);
    }
    return new ImageMedium(this.device.imagePath(volume), {
      mode: mode === 'write' && stats === undefined ? 'create' : mode,
      isBlockDevice: false,
      information: informationOf(this.device.path, volume),
    });
  }

  protected measure(): Capacity {
    const place = join(this.device.path, 'volumes');
    const { blocks, bsize } = statfsSync(place);
    return { capacityBytes: blocks * bsize, remainingBytes: freeBytes(place) };
  }
}

/** The file is of 0 or 512 bytes; only the command clears it (README, Volume information). */
function informationOf(path: string, volume: string): InformationPlace {
  const file = join(path, 'info', volume);
  const command = (option: string) =>
    writeAtStart(join(path, 'ctl', 'info'), Buffer.from(`${volume} ${option}\n`));
  return {
    read: () => {
      const sector = withDeviceErrors(() => readFileSync(file));
      return sector.length === INFO_BYTES ? new Uint8Array(sector) : undefined;
    },
    write: (sector) => writeAtStart(file, sector),
    clear: () => command('clear=yes'),
    held: () => heldBy(path, volume),
    hold: (image) => command(`holds=${image}`),
  };
}

/** As the other array tells it in its table of volumes, which has a row in each line: a thread has no memory for all of them. */
function heldBy(path: string, volume: string): string | undefined {
  const table = join(path, 'status', 'volumes.json');
  try {
    const named = `"name":${JSON.stringify(volume)}`;
    const lines = readFileSync(table, 'utf8').split('\n');
    for (const line of lines.filter((text) => text.includes(named))) {
      const row = JSON.parse(line.replace(/,$/, '')) as { name?: unknown; holds?: unknown };
      if (row.name === volume && typeof row.holds === 'string') return row.holds;
    }
    return undefined;
  } catch (error) {
    throw new DeviceError('missing', `${table} cannot be read: ${asArrayError(error).reason}`);
  }
}

/** One write, as control files want it. */
function writeAtStart(path: string, data: Uint8Array): void {
  const file = PositionedBytes.open(path, 'write');
  try {
    file.write(0, data);
  } finally {
    file.close();
  }
}
