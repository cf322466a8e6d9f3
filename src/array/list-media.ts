/**
 * Which backups the cartridges of a tape library have: each is loaded in turn and its labels and management files are read. What came
 * of it is in status/backups until the next look at that cartridge, also where that one does not see it.
 */
import { asArrayError } from '../base/errors.js';
import type { MediumInfo } from '../device/backup-device.js';
import {
  decodeListing,
  type ListedBackup,
  type MediumListing,
} from '../microprocessor/medium-listing.js';
import type { SanDevice } from '../san/configuration.js';
import { devicePorts } from '../san/discovery.js';
import type { ArrayContext } from './array-context.js';
import type { BackupPath, DeviceSession } from './backup-path.js';
import { addressOf } from './device-way.js';
import type { Job } from './jobs.js';

interface ListingArray extends ArrayContext {
  readonly backupPath: BackupPath;
}

/** How many cartridges could not be looked at. */
export async function listMedia(
  array: ListingArray,
  device: SanDevice,
  media: readonly MediumInfo[],
  job: Job,
): Promise<number> {
  const { san, clock } = array;
  let failures = 0;
  for (const { name } of media) {
    if (job.cancelled) break;
    const ports = () => devicePorts(san.inEffect, device.name);
    const session = array.backupPath.openSession({
      ...addressOf({ device, ports }, job.id),
      ...{ medium: name, mode: 'read' },
    });
    job.whenCancelled(() => session.cancel());
    try {
      const listing = await listMedium(session);
      san.noteListing(device.name, { medium: name, listing, problem: '', atMs: clock.nowMs() });
    } catch (error) {
      failures += 1;
      const problem = asArrayError(error).reason;
      const listing = { backups: [], continues: undefined, problems: [] };
      san.noteListing(device.name, { medium: name, listing, problem, atMs: clock.nowMs() });
    } finally {
      await session.close();
    }
  }
  return failures;
}

async function listMedium(session: DeviceSession): Promise<MediumListing> {
  const backups: ListedBackup[] = [];
  for (;;) {
    const answer = await session.run({ kind: 'list-backups', from: backups.length });
    const { backups: page, isLast, ...rest } = decodeListing(answer.data);
    backups.push(...page);
    // An empty page that is not the last one would be asked for for ever.
    if (isLast || page.length === 0) return { ...rest, backups };
  }
}
