/** The port correspondence table ([004] fig. 3): every mounted file system that lies on an array of this client. */

import { asArrayError } from '../../base/errors.js';
import type { MountEntry } from '../../host/mount-table.js';
import type { ErrandContext, ErrandHandler } from '../client/errand-handler.js';
import type { PathRow } from '../errands.js';
import { type FoundVolume, volumeAt } from './find-volume.js';
import { mountsOnArrays, systemView } from './storage-way.js';

export interface MountedVolume {
  readonly mount: MountEntry;
  readonly found: FoundVolume;
  /** Behind its device, as `loop0`. */
  readonly loop: string;
}

export const pathsHandler: ErrandHandler<'paths'> = {
  async perform(_input, context) {
    return { rows: (await mountedVolumes(context)).map(pathRow) };
  },
};

/** In the order of the mount table. What is on an array that does not answer is told in the log. */
export async function mountedVolumes(
  context: Pick<ErrandContext, 'arrays' | 'clock' | 'log'>,
): Promise<MountedVolume[]> {
  const arrays = await context.arrays();
  const mounted: MountedVolume[] = [];
  for (const { mount, way } of mountsOnArrays(systemView())) {
    try {
      const found = await volumeAt(way, mount.source, arrays, context.clock);
      mounted.push({ mount, found, loop: way.loops[0]?.loop ?? '' });
    } catch (error) {
      context.log(`${mount.mountPoint}: ${asArrayError(error).reason}`);
    }
  }
  return mounted;
}

function pathRow({ mount, found }: MountedVolume): PathRow {
  const { array, volume, snapshot, port, lun, deviceFile } = found;
  return {
    mountPoint: mount.mountPoint,
    deviceFile,
    fileSystem: mount.type,
    arrayUuid: array.uuid,
    arrayMountPoint: array.mountPoint,
    volume: snapshot === undefined ? volume.name : `${volume.name}@${snapshot}`,
    volumeNumber: volume.number,
    port,
    lun,
  };
}
