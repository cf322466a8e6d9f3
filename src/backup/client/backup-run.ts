/**
 * One backup under way: what was asked for, what is known and noted so far, and how its steps reach the array. Steps are in
 * backup-prepare, backup-images and backup-copies.
 */
import { isoTime } from '../../base/clock.js';
import { ArrayError } from '../../base/errors.js';
import { arrayTable } from '../array-tables.js';
import { type BackupEntry, entryId } from '../backup-entry.js';
import type { BackupPlan } from '../backup-steps.js';
import type { ErrandInput } from '../errands.js';
import { NO_UUID } from '../sector-entry.js';
import type { BackupNotes, NotedMember, NotedSources } from './backup-notes.js';
import type { ErrandContext, KnownArray } from './errand-handler.js';
import type { Freezer } from './freeze.js';
import { AWAY_MS_MAX, untilMounted } from './until-mounted.js';

export class BackupRun {
  /** Holds file systems frozen between the steps freeze and thaw. */
  freezer: Freezer | undefined;
  /** Reached last; may have gone. */
  array: KnownArray | undefined;
  /** Of a mirror, when its pairs are ready. */
  splitCommand: 'split' | 'copy' | undefined;
  readonly lines: string[] = [];

  constructor(
    readonly input: ErrandInput<'backup'>,
    readonly context: ErrandContext,
    readonly plan: BackupPlan,
    public notes: BackupNotes,
    /** An earlier process may have done what the present step does. */
    readonly isRecovery: boolean,
  ) {}

  get definition() {
    return this.input.definition;
  }

  /** Durable when it resolves. */
  async note(change: Partial<BackupNotes>): Promise<void> {
    this.notes = { ...this.notes, ...change };
    await this.context.note(this.notes);
  }

  say(line: string): void {
    this.lines.push(line);
    this.context.log(line);
  }

  report(text: string, done = 0, total = 0, unit: 'bytes' | 'pieces' = 'bytes'): void {
    this.context.report({ step: this.notes.state.at, text, done, total, unit });
  }

  get sources(): NotedSources {
    const { sources } = this.notes;
    if (sources === null) throw new ArrayError('EINVAL', 'it is not known what is to be backed up');
    return sources;
  }

  get members(): readonly NotedMember[] {
    return this.sources.members;
  }

  /**
   * `action` on the array; once more when its daemon has died in it and it is mounted again. So each action looks first
   * at what is there.
   */
  async onArray<T>(action: (array: KnownArray, isRepeated: boolean) => Promise<T>): Promise<T> {
    for (let isRepeated = false; ; isRepeated = true) {
      this.array ??= await this.untilArray(this.sources.arrayUuid);
      try {
        return await action(this.array, isRepeated);
      } catch (error) {
        this.array = undefined;
        if (await this.isThere()) throw error;
      }
    }
  }

  /** Waits until it answers: the daemon may have died since it was reached last. */
  async reachArray(): Promise<void> {
    await this.onArray(({ client }) => arrayTable(client, 'volumes'));
  }

  /** VOLUME@SNAPSHOT, or the secondary. */
  copyOf(member: NotedMember): string {
    return this.plan.isMirror ? member.secondary : `${member.name}@${this.snapshotName()}`;
  }

  snapshotName(): string {
    const stamp = isoTime(this.notes.startedMs).replace(/[-:]|\.\d+/g, '');
    return `backup-${this.input.runNumber}-${stamp}`;
  }

  /** As far as it is known before the image is there. */
  entryOf(member: NotedMember, takenMs: number): BackupEntry {
    const { runNumber, scheduledMs, definition, earlier } = this.input;
    const { configuration } = this.context;
    const memberNumber = this.members.indexOf(member) + 1;
    const memberCount = this.members.length;
    const generations = earlier
      .filter((entry) => entry.definition === definition.name && entry.sourceUuid === member.uuid)
      .map(({ generation }) => generation);
    return {
      id: entryId(runNumber, memberNumber, memberCount),
      jobNumber: runNumber,
      memberNumber,
      memberCount,
      copyOf: null,
      state: 'good',
      stateReason: '',
      client: configuration.name,
      hostName: configuration.hostName,
      mountPoint: member.mountPoint,
      definition: definition.name,
      label: definition.label,
      arrayUuid: this.sources.arrayUuid,
      place: this.plan.isMirror
        ? { kind: 'mirror', volume: member.secondary }
        : { kind: 'snapshot', volume: member.name, snapshot: this.snapshotName() },
      volumeNumber: 0,
      volumeUuid: NO_UUID,
      sourceName: member.name,
      sourceNumber: member.number,
      sourceUuid: member.uuid,
      generation: Math.max(0, ...generations) + 1,
      imageBytes: member.sizeBytes,
      sha256: null,
      takenMs,
      scheduledMs,
      startedMs: this.notes.startedMs,
      endedMs: 0,
    };
  }

  /** As that of the context, but until the post command for so long only: what comes after it waits on. */
  async untilArray(wanted: string): Promise<KnownArray> {
    const { context } = this;
    const { arrayUuid, arrayMountPoint } = this.sources;
    const shown = wanted === arrayUuid ? `at ${arrayMountPoint}` : wanted;
    const array = await untilMounted(
      wanted,
      context,
      (waitedMs) => waitedMs > AWAY_MS_MAX && !isAfterPost(this.notes.state.at),
      () => this.report(`waits for the array ${shown}`),
    );
    if (array !== undefined) return array;
    throw new ArrayError('ENXIO', `the array ${shown} is away: mount it again`);
  }

  private async isThere(): Promise<boolean> {
    const { arrayUuid } = this.sources;
    return (await this.context.arrays()).some(({ uuid }) => uuid === arrayUuid);
  }
}

function isAfterPost(step: BackupNotes['state']['at']): boolean {
  return step === 'undo' || step === 'resync';
}
