/**
 * Freezes mounted file systems for the moment of an image (FIFREEZE, by fsfreeze of util-linux). They are held by a small child
 * process of their own session, which thaws them when it is asked to, when its pipe closes because the client has died, or
 * when the time is up. What else may happen to it, the client thaws.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../../base/clock.js';
import { ArrayError } from '../../base/errors.js';
import { programEnd } from '../run-program.js';

/** However slow the array is: what waits for a frozen file system hangs so long. */
export const FREEZE_SECONDS_MAX = 10;

/**
 * $1: seconds; then mount points, the uppermost first. Syncing is done before, as freezing waits for it. An open descriptor
 * keeps each one mounted, and leads to it even where it was detached meanwhile. Times are those of the return of the
 * first freeze and of the last thaw.
 */
const HOLDER = `
limit=$1; shift
trap '' HUP INT TERM PIPE
held=()
for point in "$@"; do
  sync -f "$point" && exec {fd}<"$point" || exit 1
  held+=("/proc/self/fd/$fd")
done
frozen=()
began=
for point in "\${held[@]}"; do
  fsfreeze -f "$point" || break
  began=\${began:-$EPOCHREALTIME}
  frozen=("$point" "\${frozen[@]}")
done
why=closed
if [ \${#frozen[@]} -eq $# ]; then
  echo frozen
  read -r -t "$limit" why
  [ $? -gt 128 ] && why=expired
else
  why=failed
fi
for point in "\${frozen[@]}"; do fsfreeze -u "$point" || fsfreeze -u "$point"; done
echo "thawed \${began:-$EPOCHREALTIME} $EPOCHREALTIME \${why:-closed}"
`;

type Holder = ChildProcessByStdio<Writable, Readable, Readable>;

export interface FrozenTime {
  /** From the return of the first FIFREEZE to that of the last FITHAW. */
  readonly ms: number;
}

export class Freezer {
  private output = '';
  private errors = '';
  private onOutput = () => {};
  private readonly ended: Promise<void>;

  private constructor(
    private readonly clock: Clock,
    private readonly mountPoints: readonly string[],
    private readonly child: Holder,
  ) {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
      this.onOutput();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text;
    });
    child.stdin.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      child.on('error', (error) => {
        this.errors += error.message;
        resolve();
      });
      child.on('close', () => resolve());
    });
  }

  /** Resolves when all are frozen; EIO where one cannot be, and none is frozen then. */
  static async freeze(
    mountPoints: readonly string[],
    clock: Clock,
    secondsMax = FREEZE_SECONDS_MAX,
  ): Promise<Freezer> {
    const words = ['-c', HOLDER, 'arrayfs-freeze', `${secondsMax}`, ...mountPoints];
    const child = spawn('bash', words, {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: '/',
      env: { ...process.env, LC_ALL: 'C' },
    });
    const freezer = new Freezer(clock, mountPoints, child);
    if (await freezer.isFrozen()) return freezer;
    await freezer.thawAll();
    const words2 = freezer.errors.trim().split('\n')[0] ?? '';
    throw new ArrayError(
      'EIO',
      `cannot freeze ${mountPoints.join(' ')}: ${words2 || 'no reason given'}`,
    );
  }

  /** How long they were frozen; EIO where they were thawed before this call: whatever was done meanwhile was not done frozen. */
  async thaw(): Promise<FrozenTime> {
    this.child.stdin.end('asked\n');
    await this.ended;
    const [, began, end, why] = /^thawed (\S+) (\S+) (\w+)$/m.exec(this.output) ?? [];
    if (why === undefined) {
      await this.thawAll();
      throw new ArrayError('EIO', 'the process that held the file systems frozen was killed');
    }
    if (why === 'asked') return { ms: (Number(end) - Number(began)) * 1_000 };
    const reason =
      why === 'expired'
        ? `the image took more than ${FREEZE_SECONDS_MAX} s, and the file systems were thawed before it`
        : `the file systems were thawed before the image: ${why}`;
    throw new ArrayError('EIO', reason);
  }

  /** Lets go without asking how it went. */
  async release(): Promise<void> {
    await this.thaw().catch(() => undefined);
  }

  private async isFrozen(): Promise<boolean> {
    const frozen = new Promise<boolean>((resolve) => {
      this.onOutput = () => {
        if (this.output.startsWith('frozen\n')) resolve(true);
      };
    });
    return Promise.race([frozen, this.ended.then(() => false)]);
  }

  private thawAll(): Promise<void> {
    return thawLeft(this.mountPoints, this.clock);
  }
}

/** Thaws what a process that was killed has left frozen; one that is not frozen stays as it is. */
export async function thawLeft(mountPoints: readonly string[], clock: Clock): Promise<void> {
  for (const point of [...mountPoints].reverse()) {
    await programEnd('fsfreeze', ['-u', point], { clock, timeoutMs: FREEZE_SECONDS_MAX * 1_000 });
  }
}
