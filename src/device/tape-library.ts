/**
 * A tape library, a directory of cartridges (library-files.ts). Cartridges are in the slots from 1 on
 * in the order of their names; those for which there is no slot are not seen. A session takes a drive
 * with its first cartridge and keeps it until `release`. Each cartridge ends at the capacity of the
 * library, whoever made its file.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Capacity, MediumInfo, StreamDevice, StreamSession } from './backup-device.js';
import { DeviceError, withDeviceErrors } from './device-error.js';
import { readVolume } from './labelled-tape.js';
import {
  cartridgeNames,
  cartridgePath,
  isWriteProtected,
  type LibrarySettings,
  readSettings,
} from './library-files.js';
import { type Attempt, lockHolder, type OwnerLock } from './owner-lock.js';
import { checkAdmitted, freeBytes, SessionBase } from './session-base.js';
import { SimhTape } from './simh-tape.js';

export class TapeLibrary implements StreamDevice {
  readonly kind = 'tape';
  readonly structure = 'stream';

  constructor(
    readonly directory: string,
    private readonly admits?: readonly string[],
  ) {}

  media(): readonly MediumInfo[] {
    const { slots } = this.settings();
    return withDeviceErrors(() =>
      cartridgeNames(this.directory)
        .slice(0, slots)
        .flatMap((name, index) => this.cartridge(name, index + 1) ?? []),
    );
  }

  login(initiator: string, attempt?: Attempt): StreamSession {
    const settings = this.settings();
    checkAdmitted(`tape library ${this.directory}`, this.admits, initiator);
    return new TapeSession(this, settings, initiator, attempt);
  }

  pathOf(name: string): string {
    return cartridgePath(this.directory, name);
  }

  /** Names of cartridges end in .tap here, so a drive has a name of its own. */
  lockPath(of: { cartridge: string } | { drive: number }): string {
    const name = 'drive' in of ? `drive-${of.drive}` : `${of.cartridge}.tap`;
    return join(this.directory, `.${name}`);
  }

  private settings(): LibrarySettings {
    return readSettings(this.directory);
  }

  /** Undefined where the file has gone meanwhile. */
  private cartridge(name: string, slot: number): MediumInfo | undefined {
    const stats = statSync(this.pathOf(name), { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    const holder = lockHolder(this.lockPath({ cartridge: name }));
    const labelOf = stats.isFile() ? this.labelOf(name) : undefined;
    return {
      ...{ name, slot, usedBytes: stats.size, isProtected: isWriteProtected(stats) },
      ...(holder && { holder }),
      ...(labelOf !== undefined && labelOf !== name && { labelOf }),
    };
  }

  /** What its label says; undefined where it cannot be read as one. */
  private labelOf(name: string): string | undefined {
    try {
      const tape = SimhTape.open(this.pathOf(name), 'read');
      try {
        return readVolume(tape)?.volumeId;
      } finally {
        tape.close();
      }
    } catch (error) {
      if (error instanceof DeviceError) return undefined;
      throw error;
    }
  }
}

class TapeSession extends SessionBase<SimhTape> implements StreamSession {
  private drive: OwnerLock | undefined;

  constructor(
    readonly device: TapeLibrary,
    private readonly settings: LibrarySettings,
    initiator: string,
    attempt: Attempt | undefined,
  ) {
    super(initiator, attempt);
  }

  protected take(name: string): OwnerLock {
    this.drive ??= this.takeDrive();
    const { directory } = this.device;
    // Slots may have been added since the login.
    const names = cartridgeNames(directory).slice(0, readSettings(directory).slots);
    if (!names.includes(name)) {
      const reason = `no cartridge ${name}, but ${rangeOf(names)}`;
      throw new DeviceError('no-medium', `tape library ${directory} has ${reason}`);
    }
    return this.lockOrBusy(this.device.lockPath({ cartridge: name }), `cartridge ${name}`);
  }

  protected open(name: string, mode: 'read' | 'write'): SimhTape {
    const path = this.device.pathOf(name);
    if (mode === 'write' && isWriteProtected(statSync(path))) {
      throw new DeviceError('write-protected', `cartridge ${name} is write-protected`);
    }
    return SimhTape.open(path, mode, this.settings.cartridgeBytes);
  }

  protected measure(name: string): Capacity {
    const { cartridgeBytes } = this.settings;
    const { size } = statSync(this.device.pathOf(name));
    const remainingBytes = Math.max(0, cartridgeBytes - size);
    return {
      capacityBytes: cartridgeBytes,
      remainingBytes: Math.min(remainingBytes, freeBytes(this.device.directory)),
    };
  }

  protected override giveBack(): void {
    this.drive?.release();
    this.drive = undefined;
  }

  private takeDrive(): OwnerLock {
    const reasons: string[] = [];
    for (let drive = 1; drive <= this.settings.drives; drive += 1) {
      try {
        const path = this.device.lockPath({ drive });
        return this.lockOrBusy(path, `drive ${drive}`);
      } catch (error) {
        if (!(error instanceof DeviceError) || error.fault !== 'busy') throw error;
        reasons.push(error.reason);
      }
    }
    throw new DeviceError('busy', `every drive is in use: ${reasons.join(', ')}`);
  }
}

function rangeOf(names: readonly string[]): string {
  const [first = 'none'] = names;
  return names.length > 1 ? `${first} to ${names.at(-1)}` : first;
}
