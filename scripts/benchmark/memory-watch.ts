/** Looks at the anonymous memory of a process while a row runs, and remembers the most. */
import { readFileSync } from 'node:fs';

const LOOK_MS = 100;

export class MemoryWatch {
  private most: number | undefined;
  private readonly timer: NodeJS.Timeout;

  /** `pid` is asked at each look: a target may be started anew while it is watched. */
  constructor(private readonly pid: () => number | undefined) {
    this.timer = setInterval(() => this.look(), LOOK_MS);
    this.look();
  }

  /** The most that was seen, in MiB; undefined where there was no process. */
  stop(): number | undefined {
    clearInterval(this.timer);
    this.look();
    return this.most;
  }

  private look(): void {
    const now = anonymousMebibytes(this.pid());
    if (now !== undefined) this.most = Math.max(now, this.most ?? 0);
  }
}

/** RssAnon of /proc/PID/status; undefined where there is no such process. */
function anonymousMebibytes(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    return anonymousOf(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** From the text of /proc/PID/status. */
export function anonymousOf(status: string): number | undefined {
  const match = /^RssAnon:\s+(\d+) kB$/m.exec(status);
  return match ? Number(match[1]) / 1024 : undefined;
}
