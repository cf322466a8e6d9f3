/** One device of each kind in a directory of its own, for the contract suite and the backup tests. */
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BackupDevice, DeviceKind } from '../../src/device/backup-device.js';
import { createLibrary } from '../../src/device/library-files.js';
import { type DeviceDefinition, openDevice } from '../../src/device/open-device.js';
import { makeScratch } from '../support/scratch-directory.js';

export interface DeviceCase {
  readonly device: BackupDevice;
  readonly definition: DeviceDefinition;
  readonly medium: string;
  /** Where the medium is in the host's files. */
  readonly path: string;
}

export const CARTRIDGE_BYTES = 2 ** 20;

/** A library of three empty cartridges. */
export function makeLibrary(
  options: { slots?: number; drives?: number; cartridgeBytes?: number } = {},
  parent = makeScratch(),
): string {
  const directory = join(parent, 'tapes');
  const sizes = { slots: 3, drives: 2, cartridgeBytes: CARTRIDGE_BYTES, ...options };
  createLibrary(directory, { ...sizes, prefix: 'AFS' });
  return directory;
}

/** A tree of ordinary files that looks like a mounted array. */
export function makeArrayTree(): string {
  const path = join(makeScratch(), 'array');
  for (const part of ['volumes', 'info', 'ctl']) mkdirSync(join(path, part), { recursive: true });
  writeFileSync(join(path, 'ctl/info'), '');
  writeFileSync(join(path, 'info/db'), '');
  return path;
}

const MAKERS: Readonly<Record<DeviceKind, () => Omit<DeviceCase, 'device'>>> = {
  tape() {
    const path = makeLibrary();
    return {
      definition: { kind: 'tape', path },
      ...{ medium: 'AFS001', path: join(path, 'AFS001.tap') },
    };
  },
  disk() {
    const path = join(makeScratch(), 'disk.img');
    writeFileSync(path, '');
    return { definition: { kind: 'disk', path }, medium: 'disk.img', path };
  },
  array() {
    const path = makeArrayTree();
    const image = join(path, 'volumes/db');
    writeFileSync(image, '');
    return { definition: { kind: 'array', path }, medium: 'db', path: image };
  },
};

export const DEVICE_KINDS = Object.keys(MAKERS) as DeviceKind[];

export function makeDevice(kind: DeviceKind, admits?: readonly string[]): DeviceCase {
  const made = MAKERS[kind]();
  const definition = { ...made.definition, ...(admits && { admits }) };
  return { ...made, definition, device: openDevice(definition) };
}

/** Takes the whole device away. */
export function removeDevice({ definition }: DeviceCase): void {
  rmSync(definition.kind === 'disk' ? join(definition.path, '..') : definition.path, {
    recursive: true,
  });
}

export function protect(path: string): void {
  if (!existsSync(path)) throw new Error(`${path} is not there`);
  chmodSync(path, 0o400);
}
