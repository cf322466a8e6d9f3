/**
 * The dry run of a definition: a line for each thing that a run would do, and one that begins with `cannot` for each
 * reason why it would fail now. Nothing is changed; reasons do not hide each other.
 */
import { asArrayError } from '../../base/errors.js';
import { formatSize } from '../../base/sizes.js';
import { arrayTable } from '../array-tables.js';
import { CANNOT } from '../choices.js';
import { type BackupSource, type BackupSources, backupSources } from '../client/backup-sources.js';
import type { ErrandContext, ErrandHandler, KnownArray } from '../client/errand-handler.js';
import { refuseFreeze } from '../client/freeze-check.js';
import { checkAllowed } from '../client/hook-command.js';
import type { BackupDefinition } from '../definition.js';
import { definitionProblem } from '../definition-rules.js';
import { type CopyDestination, copyDestination, lossReason } from '../media/copy-destination.js';
import { useAsSecondary } from './destinations.js';

type Check = () => Promise<readonly string[]>;

export const checkHandler: ErrandHandler<'check'> = {
  async perform({ definition }, context) {
    const problem = definitionProblem(definition);
    const lines = [
      ...(problem === undefined ? [] : [`${CANNOT}${problem}`]),
      ...(await linesOf(async () => hookLines(definition, context))),
    ];
    const arrays = await context.arrays();
    let sources: BackupSources | undefined;
    const volumes = async () => {
      sources = await backupSources(definition, arrays, context.clock);
      return sources.members.map((member) => memberLine(member, definition));
    };
    lines.push(...(await linesOf(volumes)));
    if (sources === undefined) return { lines };
    const { array, members } = sources;
    const checks: readonly Check[] = [
      () => accessLines(array),
      () => freezeLines(definition, members, arrays, context),
      () => mirrorLines(definition, array, members),
      ...definition.secondMedium.map((medium, index) => () => {
        return mediumLines(medium, definition, members[index], array, arrays);
      }),
    ];
    for (const check of checks) lines.push(...(await linesOf(check)));
    return { lines };
  },
};

/** A check that throws tells its reason. */
async function linesOf(check: Check): Promise<readonly string[]> {
  try {
    return await check();
  } catch (error) {
    return [`${CANNOT}${asArrayError(error).reason}`];
  }
}

async function hookLines(
  { pre, post }: BackupDefinition,
  { configuration }: ErrandContext,
): Promise<string[]> {
  return Object.entries({ pre, post }).flatMap(([name, hook]) => {
    if (hook === null) return [];
    try {
      checkAllowed(hook.command, configuration.allowedCommands);
      return [`${name} command: ${hook.command}`];
    } catch (error) {
      return [`${CANNOT}${asArrayError(error).reason}`];
    }
  });
}

function memberLine({ volume, mountPoint }: BackupSource, { method }: BackupDefinition): string {
  const where = mountPoint === '' ? '' : `${mountPoint} is on `;
  const what = `volume ${volume.name} (number ${volume.number}, ${formatSize(volume.sizeBytes)})`;
  return `${where}${what}: ${method}`;
}

async function accessLines({ client, mountPoint }: KnownArray): Promise<string[]> {
  const { readOnly } = await arrayTable(client, 'array');
  const pools = (await arrayTable(client, 'pools')).filter(({ state }) => state !== 'normal');
  return [
    ...(readOnly ? [`${CANNOT}the array at ${mountPoint} is mounted read-only`] : []),
    ...pools.map(({ name, state }) => `${CANNOT}pool ${name} is ${state}`),
  ];
}

async function freezeLines(
  { freeze }: BackupDefinition,
  members: readonly BackupSource[],
  arrays: readonly KnownArray[],
  { configuration }: ErrandContext,
): Promise<string[]> {
  if (!freeze) return [];
  const mounts = members.flatMap((member) => member.mounts);
  await refuseFreeze(mounts, arrays, configuration);
  const points = [...new Set(mounts.map(({ mountPoint }) => mountPoint))];
  return points.map((point) => `${point} is frozen at the instant`);
}

async function mirrorLines(
  { method, to }: BackupDefinition,
  { client }: KnownArray,
  members: readonly BackupSource[],
): Promise<string[]> {
  if (method !== 'mirror') return [];
  const [volumes, pairs] = await Promise.all([
    arrayTable(client, 'volumes'),
    arrayTable(client, 'pairs'),
  ]);
  return members.map(({ volume }, index) => {
    const name = to[index];
    if (name === undefined) return `${CANNOT}${volume.name} has no secondary in the definition`;
    const secondary = volumes.find((row) => row.name === name);
    if (secondary === undefined) return `${CANNOT}there is no volume ${name}`;
    const use = useAsSecondary(volume, secondary, pairs);
    if (use === 'free')
      return `${CANNOT}${name} is neither paired nor reserved: arrayfs pair reserve ${name}`;
    if (use !== undefined) return `${volume.name} is mirrored to ${name} (${use})`;
    const sizes = `${formatSize(volume.sizeBytes)} and ${formatSize(secondary.sizeBytes)}`;
    const why =
      volume.sizeBytes === secondary.sizeBytes ? 'is in another pair or open' : `differs: ${sizes}`;
    return `${CANNOT}${name} is no secondary for ${volume.name}: it ${why}`;
  });
}

/** `tape0`, `tape0/AFS001`, or the path of a volume in a mounted array. */
async function mediumLines(
  medium: string,
  definition: BackupDefinition,
  member: BackupSource | undefined,
  array: KnownArray,
  arrays: readonly KnownArray[],
): Promise<string[]> {
  if (medium.startsWith('/')) {
    const to = await copyDestination(medium, array, arrays);
    return [volumeMediumLine(medium, to, definition, member)];
  }
  const { client } = array;
  const [device = '', cartridge] = medium.split('/');
  const row = (await arrayTable(client, 'devices')).find(({ name }) => name === device);
  if (row === undefined) return [`${CANNOT}there is no backup device ${device}`];
  const isThere =
    cartridge === undefined ||
    row.media === null ||
    row.media.some(({ name }) => name === cartridge);
  if (!isThere) return [`${CANNOT}${device} has no cartridge ${cartridge}`];
  return [`then to ${medium} (${row.state})`];
}

function volumeMediumLine(
  path: string,
  to: CopyDestination,
  { name }: BackupDefinition,
  member: BackupSource | undefined,
): string {
  const { row } = to;
  if (row === undefined) return `then to ${path}, a new volume`;
  if (row.openCount > 0) return `${CANNOT}${path} is open`;
  const { sizeBytes, uuid } = member?.volume ?? row;
  if (sizeBytes !== row.sizeBytes) {
    return `${CANNOT}${path} has ${formatSize(row.sizeBytes)}, not ${formatSize(sizeBytes)}`;
  }
  const loss = lossReason(to, { definition: name, sourceUuid: uuid });
  return loss === undefined ? `then to ${path}` : `${CANNOT}${loss}`;
}
