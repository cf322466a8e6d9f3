/** The first step of a restore: the backup is found fit, nobody uses the target any more, and a snapshot holds what it has. */
import { isoTime } from '../../base/clock.js';
import { ArrayError, asArrayError } from '../../base/errors.js';
import { mountHolders } from '../../host/mount-holders.js';
import { processesSeeing } from '../../host/other-namespaces.js';
import { arrayTable, type VolumeRow, volumeNamed } from '../array-tables.js';
import type { KnownArray } from '../client/errand-handler.js';
import { lastJobNumber } from '../media/array-job.js';
import { type BackupImage, imageOf } from '../media/image-of.js';
import { arrayOf, located } from '../media/locate.js';
import { checkContent, checkFileSystems } from './check-image.js';
import { loopsOf } from './loop-devices.js';
import { placesOf, takeAway } from './mounted-places.js';
import { planRestore, type RestoreTarget } from './restore-plan.js';
import type { RestoreRun } from './restore-run.js';

export async function prepareRestore(run: RestoreRun, target: RestoreTarget): Promise<void> {
  await run.hook('pre');
  const image = await imageFor(run, target);
  const plan = await planRestore(target, image);
  await run.note({ plan });
  await verify(run, image);
  if (target.volume !== undefined) await clear(run, target.array, target.volume);
  const source = await run.context.untilArray(plan.sourceArrayUuid);
  await run.note({ lastJob: await lastJobNumber(source) });
}

/** One on tape is brought back by the array of the target, where that reaches the tape. */
async function imageFor(run: RestoreRun, { array }: RestoreTarget): Promise<BackupImage> {
  const { context } = run;
  const { entry, chain, force } = run.input;
  if (entry.place.kind === 'tape') {
    const { device } = entry.place;
    const devices = await arrayTable(array.client, 'devices');
    const isReached = devices.some(({ name, kind }) => name === device && kind === 'tape');
    const arrayUuid = isReached ? array.uuid : entry.arrayUuid;
    const onTape = chain.map((part) => ({ ...part, arrayUuid }));
    return imageOf({ ...entry, arrayUuid }, onTape, context, (volume) =>
      run.note({ temporary: { arrayUuid, volume } }),
    );
  }
  const { isModified, copy } = await located(await arrayOf(entry.arrayUuid, context), entry);
  if (isModified && !force) {
    const reason = `${copy} was written to after backup ${entry.id} was stored; force restores it as it is`;
    throw new ArrayError('EBUSY', reason);
  }
  return imageOf(entry, chain, context, async () => undefined);
}

/** What is found wrong ends the restore; with force it is only told, as it may be the last backup there is. */
async function verify(run: RestoreRun, image: BackupImage): Promise<void> {
  const { context } = run;
  const { entry, force } = run.input;
  const checks = [
    async () => [await checkContent(image, entry, context)],
    () => checkFileSystems(image, entry, context, (connection) => run.note({ connection })),
  ];
  for (const check of checks) {
    try {
      await run.say(...(await check()));
    } catch (error) {
      const { code, reason } = asArrayError(error);
      if (!force || code !== 'EIO') throw error;
      await run.say(`restored all the same, as it is forced: ${reason}`);
    }
  }
  await run.disconnect();
}

/** Nobody has the target mounted or open afterwards, and a snapshot holds what it has now. */
async function clear(run: RestoreRun, array: KnownArray, { uuid, name }: VolumeRow): Promise<void> {
  const { context } = run;
  const { entry, force } = run.input;
  const places = await placesOf(uuid, context);
  await run.note({ places });
  const shown = places.map(({ mountPoint }) => mountPoint).join(', ');
  if (shown !== '') run.report('unmount', shown);
  await takeAway(places, force, context);
  if (!force) await refuseIfOpen(array, name);
  // With milliseconds: no other restore has the name.
  const stamp = isoTime(context.clock.nowMs()).replace(/[-:]/g, '');
  const safety = `before-restore-${entry.id}-${stamp}`;
  await run.note({ safety });
  await array.client.run({ name: 'snapshot', words: [name], options: { name: safety } });
  await run.say(`${name}@${safety} holds what ${name} was before: delete it when it is not needed`);
}

/** EBUSY says who has the volume open for writing though nothing is mounted from it here. */
async function refuseIfOpen({ client, mountPoint }: KnownArray, name: string): Promise<void> {
  const { writerCount, number } = await volumeNamed(client, name);
  if (writerCount === 0) return;
  const luns = (await arrayTable(client, 'luns')).filter((row) => row.number === number);
  const files = [
    client.pathOf('volumes', name),
    ...luns.map(({ port, lun }) => client.pathOf('targets', port, `${lun}`)),
  ];
  const loops = loopsOf((file) => files.includes(file)).map(({ device }) => {
    const [pid] = processesSeeing(device);
    return pid === undefined
      ? device
      : `${device}, mounted in the mount namespace of process ${pid}`;
  });
  const processes = mountHolders(mountPoint, { mappings: true }).filter((line) => {
    return files.some((file) => line.includes(file));
  });
  const holders = [...loops, ...processes];
  const whom = holders.length === 0 ? 'a program that cannot be seen here' : holders.join('; ');
  throw new ArrayError('EBUSY', `volume ${name} is open for writing by ${whom}`);
}
