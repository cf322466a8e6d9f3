/** Loop devices by losetup(8) and /sys: attaching a file or a part of one, and letting go of all that have a file. */
import { basename, join } from 'node:path';
import { type Clock, pause } from '../../base/clock.js';
import { backingFileOf } from '../../host/backing-chain.js';
import { namesIn, textOf } from '../../host/proc-files.js';
import { programEnd, programOutput } from '../run-program.js';

const LOSETUP_MS_MAX = 60_000;
const LOOK_MS = 20;
const LOOKS_MAX = 100;

export interface LoopPart {
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

export interface LoopState extends LoopPart {
  /** As `/dev/loop0`. */
  readonly device: string;
  readonly file: string;
  readonly isReadOnly: boolean;
  /** Freed with its last use, as `mount -o loop` attaches it. */
  readonly isAutoclear: boolean;
}

/** The device, as `/dev/loop0`: the wished one where it is free. */
export async function attachLoop(
  file: string,
  clock: Clock,
  options: {
    readonly part?: LoopPart;
    readonly isReadOnly?: boolean;
    readonly device?: string;
  } = {},
): Promise<string> {
  const { part, isReadOnly, device } = options;
  const words = [
    ...(isReadOnly ? ['--read-only'] : []),
    ...(part === undefined || part.offsetBytes === 0 ? [] : ['--offset', `${part.offsetBytes}`]),
    ...(part === undefined || part.sizeBytes === 0 ? [] : ['--sizelimit', `${part.sizeBytes}`]),
  ];
  const run = { clock, timeoutMs: LOSETUP_MS_MAX };
  if (device !== undefined && loopState(device) === undefined) {
    const { status } = await programEnd('losetup', [...words, '--', device, file], run);
    if (status === 0) return device;
  }
  const found = await programOutput('losetup', [...words, '--find', '--show', '--', file], run);
  return found.trim();
}

/** The device frees its file now, or with its last use; that there is none any more is no error. */
export async function detachLoop(device: string, clock: Clock): Promise<void> {
  await programEnd('losetup', ['--detach', device], { clock, timeoutMs: LOSETUP_MS_MAX });
}

/** All devices whose file `isIt`, by the name that has now. */
export function loopsOf(isIt: (file: string) => boolean): LoopState[] {
  return namesIn('/sys/block').flatMap((name) => {
    if (!name.startsWith('loop')) return [];
    const state = loopState(name);
    return state !== undefined && isIt(state.file) ? [state] : [];
  });
}

/** Of `loop0` or `/dev/loop0`; undefined where it has no file. */
export function loopState(name: string): LoopState | undefined {
  const directory = join('/sys/block', basename(name));
  const file = backingFileOf(directory);
  if (file === undefined) return undefined;
  const text = (attribute: string) => textOf(join(directory, 'loop', attribute));
  return {
    device: `/dev/${basename(name)}`,
    file,
    offsetBytes: Number(text('offset')),
    sizeBytes: Number(text('sizelimit')),
    isReadOnly: textOf(join(directory, 'ro')) === '1',
    isAutoclear: text('autoclear') === '1',
  };
}

/** Resolves when none of the devices has `file` any more, or after a few seconds: what still uses it lets go of it at its own end. */
export async function loopsFreed(devices: readonly LoopState[], clock: Clock): Promise<void> {
  const isHeld = ({ device, file }: LoopState) => loopState(device)?.file === file;
  for (let look = 0; look < LOOKS_MAX && devices.some(isHeld); look += 1) {
    await pause(clock, LOOK_MS);
  }
}
