/**
 * Discovery of backup devices: each is asked through every initiator port in whose zone it is. What comes of it is in
 * status/devices until the next search through that port, and what cartridges have, if that is asked for, in status/backups.
 */
import { ArrayError } from '../base/errors.js';
import type { SanDevice } from '../san/configuration.js';
import { deviceNamed } from '../san/devices.js';
import { devicePorts } from '../san/discovery.js';
import { searchError } from '../san/search-reasons.js';
import type { ArrayContext } from './array-context.js';
import type { BackupPath } from './backup-path.js';
import type { DiskArray } from './disk-array.js';
import type { Job, Jobs } from './jobs.js';
import { listMedia } from './list-media.js';

/** A microprocessor that is held up is given up earlier. */
const ANSWER_MS_MAX = 600_000;

export interface DiscoveringArray extends ArrayContext {
  readonly jobList: Jobs;
  readonly backupPath: BackupPath;
}

/** What cartridges have is asked for: of all, or of one. */
export type Listing = NonNullable<Parameters<DiskArray['discover']>[1]>;

/** Of the devices with these names (ENOENT), or all; EINVAL where there is none. */
export function startDiscovery(
  array: DiscoveringArray,
  names: readonly string[],
  listing: Listing | undefined,
): Job {
  const { configuration } = array.san;
  const named = [...new Set(names)].map((name) => deviceNamed(configuration, name));
  const devices = names.length === 0 ? configuration.devices : named;
  if (devices.length === 0) throw new ArrayError('EINVAL', 'no device is defined (ctl/device)');
  const subject = names.length === 0 ? 'all' : names.join(' ');
  return array.jobList.start('discover', subject, 'blocks', async (job) => {
    const result = await discover(array, devices, job);
    if (listing === undefined) return result;
    return `${result}; ${await listTapes(array, devices, listing, job)}`;
  });
}

async function discover(
  array: DiscoveringArray,
  devices: readonly SanDevice[],
  job: Job,
): Promise<string> {
  const problems: string[] = [];
  for (const [index, device] of devices.entries()) {
    if (job.cancelled) break;
    const problem = await probe(array, device, job);
    if (problem !== undefined) problems.push(problem);
    job.progress(index + 1, devices.length, array.clock.nowMs());
  }
  const available = `${job.done - problems.length} of ${devices.length} devices available`;
  const labels = mislabelled(array, devices);
  return [available, ...problems, ...(labels === undefined ? [] : [labels])].join('; ');
}

/** Of the libraries that were found. */
async function listTapes(
  array: DiscoveringArray,
  devices: readonly SanDevice[],
  { medium }: Listing,
  job: Job,
): Promise<string> {
  let count = 0;
  let failures = 0;
  for (const device of devices.filter(({ kind }) => kind === 'tape')) {
    const view = array.san.devices().find(({ name }) => name === device.name);
    const isFound = view?.searches.some(({ reason }) => reason === 'found') ?? false;
    if (!isFound || view?.media === undefined) continue;
    const media = view.media.filter(({ name }) => medium === undefined || name === medium);
    count += media.length;
    failures += await listMedia(array, device, media, job);
  }
  const unread = failures === 0 ? '' : `, ${failures} could not be read`;
  return `${count} ${count === 1 ? 'cartridge' : 'cartridges'} listed${unread}`;
}

/** Why the device is not available; undefined where any port reaches it. */
async function probe(
  { san, backupPath, clock }: DiscoveringArray,
  { name, kind, path }: SanDevice,
  job: Job,
): Promise<string | undefined> {
  const asked = backupPath.probe({
    device: { name, definition: { kind, path } },
    ports: () => devicePorts(san.inEffect, name),
    number: job.id,
  });
  // A job that is cancelled does not wait for a device that hangs.
  const waited = job.pause(clock, ANSWER_MS_MAX).then(() => undefined);
  const probes = await Promise.race([asked, waited]);
  if (probes === undefined) return `${name} has not answered`;
  // What devices have answered comes last: it says more than why a port was not asked.
  const answers = probes.filter(({ detail }) => detail !== '');
  const unasked = probes.filter(({ detail, reason }) => detail === '' && reason !== 'found');
  const found = probes.filter(({ reason }) => reason === 'found');
  for (const { port, reason } of [...unasked, ...answers, ...found]) {
    san.noteSearch(name, { port, reason });
  }
  const sighting = found.find((result) => result.sighting !== undefined)?.sighting;
  if (sighting !== undefined) san.noteMedia(name, sighting.media);
  return found.length > 0 ? undefined : searchError(name, probes).reason;
}

/** Cartridges that have the labels of others; undefined where there are none. */
function mislabelled({ san }: DiscoveringArray, devices: readonly SanDevice[]): string | undefined {
  const names = new Set(devices.map(({ name }) => name));
  const found = san.devices().flatMap(({ name: device, media = [] }) =>
    media.flatMap(({ name, labelOf }) => {
      return names.has(device) && labelOf ? [`${device}/${name} has the label of ${labelOf}`] : [];
    }),
  );
  return found.length === 0 ? undefined : found.join(', ');
}
