/** Reserving volumes for pairs: hosts cannot write them, and `auto` takes them as secondaries. */
import { ArrayError } from '../base/errors.js';
import type { ArrayContext } from './array-context.js';
import type { Volume } from './copies.js';
import { checkNotPaired, checkNoWriter } from './rules.js';

export async function reserveVolumes(
  context: ArrayContext,
  names: readonly string[],
): Promise<void> {
  const volumes = writableVolumes(context, names);
  for (const volume of volumes) {
    checkNotPaired(volume, 'reserved');
    checkNoWriter(volume, undefined, 'reserved');
  }
  await setReserved(context, volumes, true);
}

/** EBUSY for a secondary. */
export async function unreserveVolumes(
  context: ArrayContext,
  names: readonly string[],
): Promise<void> {
  const volumes = writableVolumes(context, names);
  for (const volume of volumes) {
    const role = volume.secondaryRole;
    if (role === undefined) continue;
    throw new ArrayError('EBUSY', `volume ${volume.name} is the secondary of ${role.pairName}`);
  }
  await setReserved(context, volumes, false);
}

function writableVolumes(context: ArrayContext, names: readonly string[]): readonly Volume[] {
  const volumes = names.map((name) => context.copies.volume(name));
  context.checkWritable(...volumes);
  return volumes;
}

async function setReserved(
  context: ArrayContext,
  volumes: readonly Volume[],
  isReserved: boolean,
): Promise<void> {
  for (const volume of volumes) {
    if (volume.reserved === isReserved) continue;
    volume.condition.reserve(isReserved);
    const message = isReserved ? 'hosts cannot write it' : 'hosts may write it';
    context.recordEvent(isReserved ? 'RESERVED' : 'UNRESERVED', volume.name, message);
  }
  await context.durable(...volumes);
}
