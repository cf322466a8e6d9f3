/**
 * The mounted arrays that this client serves: those at the mount points it was given, or all of the machine. Asked anew
 * each time: an array may be unmounted, its daemon may die, and come back at the same place.
 */
import type { Clock } from '../../base/clock.js';
import { ArrayError } from '../../base/errors.js';
import { ArrayClient } from '../../client/array-client.js';
import { arrayMounts } from '../../host/mount-table.js';
import { arrayTable } from '../array-tables.js';
import { withinTime } from '../within-time.js';
import type { KnownArray } from './errand-handler.js';
import { pauseUnlessAborted } from './until-answered.js';

/** Between two looks for an array that is away. */
const LOOK_MS = 250;
type Identity = Pick<KnownArray, 'uuid' | 'serial'>;

export class ClientArrays {
  /** A mount that hangs holds a thread for each question: it is asked once. */
  private readonly asking = new Map<string, Promise<Identity>>();

  constructor(
    private readonly clock: Clock,
    /** Absolute mount points; empty: all of the machine. */
    private readonly wanted: readonly string[],
    /** Replaced in tests. */
    private readonly mountPoints: () => readonly string[] = mountedNow,
  ) {}

  /** Those that are mounted and answer: a mount that hangs is as one that is not there. */
  async now(): Promise<KnownArray[]> {
    const mounted = this.mountPoints().filter(
      (place) => this.wanted.length === 0 || this.wanted.includes(place),
    );
    const found = await Promise.all([...new Set(mounted)].map((place) => this.arrayAt(place)));
    return found.flatMap((array) => array ?? []);
  }

  /** Resolves when the array is mounted and answers; EINTR when the signal is aborted. */
  async until(uuid: string, signal: AbortSignal): Promise<KnownArray> {
    for (;;) {
      if (signal.aborted) throw new ArrayError('EINTR', 'given up');
      const array = (await this.now()).find((candidate) => candidate.uuid === uuid);
      if (array !== undefined) return array;
      await pauseUnlessAborted(this.clock, LOOK_MS, signal);
    }
  }

  private async arrayAt(mountPoint: string): Promise<KnownArray | undefined> {
    const client = new ArrayClient(mountPoint);
    const asked = this.asking.get(mountPoint) ?? this.ask(mountPoint, client);
    try {
      const { uuid, serial } = await withinTime(this.clock, mountPoint, asked);
      return { uuid, serial, mountPoint, client };
    } catch {
      return undefined;
    }
  }

  private ask(mountPoint: string, client: ArrayClient): Promise<Identity> {
    const asked = arrayTable(client, 'array').finally(() => this.asking.delete(mountPoint));
    this.asking.set(mountPoint, asked);
    return asked;
  }
}

function mountedNow(): readonly string[] {
  return arrayMounts().map(({ mountPoint }) => mountPoint);
}
