/**
 * A connection to the kernel's FUSE driver without libfuse: /dev/fuse is opened, mount(8) inherits the
 * descriptor, and fusectl ends what cannot be ended otherwise. Linux and root only.
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ArrayError } from '../base/errors.js';
import { ARRAY_MOUNT_TYPE } from './mount-table.js';

export const FUSE_DEVICE = '/dev/fuse';
const FUSE_CONTROL = '/sys/fs/fuse/connections';
/** Where mount(8) finds the device: the descriptor after stdin, stdout and stderr. */
const DEVICE_IN_CHILD = 3;
/** mount and umount of fusectl wait for nothing. */
const CONTROL_MS_MAX = 5_000;
/** Others may unmount fusectl between our mount and our write. */
const ABORT_TRIES_MAX = 5;

export interface FuseMountOptions {
  readonly mountPoint: string;
  readonly sourceName: string;
  readonly readOnly: boolean;
  readonly allowOther: boolean;
  /** Largest READ. */
  readonly readBytesMax: number;
}

/** Opens a connection and mounts it; its descriptor. Requests wait until somebody reads them. */
export async function mountFuse(options: FuseMountOptions): Promise<number> {
  const device = openSync(FUSE_DEVICE, 'r+');
  try {
    await runMount(device, options);
    return device;
  } catch (error) {
    closeSync(device);
    throw error;
  }
}

function runMount(device: number, options: FuseMountOptions): Promise<void> {
  const words = ['-i', '-t', ARRAY_MOUNT_TYPE, '-o', optionText(options)];
  const child = spawn('mount', [...words, '--', options.sourceName, options.mountPoint], {
    stdio: ['ignore', 'ignore', 'pipe', device],
    env: { ...process.env, LC_ALL: 'C' },
  });
  return new Promise((resolve, reject) => {
    let errors = '';
    child.stderr?.on('data', (text) => {
      errors += String(text);
    });
    child.on('error', (error) => reject(new ArrayError('EIO', `mount: ${error.message}`)));
    child.on('close', (status) => {
      if (status === 0) resolve();
      else
        reject(new ArrayError('EIO', errors.trim().split('\n')[0] || `mount ended with ${status}`));
    });
  });
}

function optionText({ readOnly, allowOther, readBytesMax }: FuseMountOptions): string {
  return [
    `fd=${DEVICE_IN_CHILD}`,
    'rootmode=40000',
    `user_id=${process.getuid?.() ?? 0}`,
    `group_id=${process.getgid?.() ?? 0}`,
    'default_permissions',
    `max_read=${readBytesMax}`,
    'nosuid',
    'nodev',
    ...(allowOther ? ['allow_other'] : []),
    ...(readOnly ? ['ro'] : []),
  ].join(',');
}

/**
 * Ends the connection of the mount with this st_dev (`MAJOR:MINOR`): whatever waits for it fails, and
 * reading its requests ends. The mount stays, dead. True where that was done.
 */
export function abortConnection(device: string): boolean {
  const file = join(FUSE_CONTROL, device.split(':')[1] ?? '', 'abort');
  for (let tries = 0; tries < ABORT_TRIES_MAX; tries += 1) {
    const mustMount = !existsSync(file);
    if (mustMount) control('mount', ['-i', '-t', 'fusectl', 'fusectl', FUSE_CONTROL]);
    try {
      writeFileSync(file, '1', { flag: 'r+' });
      return true;
    } catch {
      // Goes on: fusectl is not there (any more), or the connection is over.
    } finally {
      if (mustMount) control('umount', ['-i', FUSE_CONTROL]);
    }
  }
  return false;
}

function control(program: string, words: readonly string[]): void {
  spawnSync(program, words, { stdio: 'ignore', timeout: CONTROL_MS_MAX });
}
