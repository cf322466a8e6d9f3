/** Which processes use the processor now, from two looks at /proc. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const LOOK_MS = 1_000;
/** Share of a core below which a process is no matter. */
const SHARE_MIN = 0.03;
/** USER_HZ of every Linux on the processors arrayfs runs on. */
const TICKS_PER_SECOND = 100;

/** Such as `node (1234) takes 45% of a core`, the busiest first; without this process. */
export async function busyProcesses(): Promise<string[]> {
  const before = allTicks();
  await pause(LOOK_MS);
  const after = allTicks();
  return [...after]
    .map(([pid, { name, ticks }]) => {
      const spent = ticks - (before.get(pid)?.ticks ?? ticks);
      return { pid, name, share: (spent / TICKS_PER_SECOND) * (1000 / LOOK_MS) };
    })
    .filter(({ pid, share }) => share >= SHARE_MIN && pid !== process.pid)
    .sort((a, b) => b.share - a.share)
    .map(({ pid, name, share }) => `${name} (${pid}) takes ${Math.round(share * 100)}% of a core`);
}

interface Ticks {
  readonly name: string;
  readonly ticks: number;
}

function allTicks(): Map<number, Ticks> {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = new Map<number, Ticks>();
  for (const pid of pids) {
    try {
      const ticks = ticksOf(readFileSync(`/proc/${pid}/stat`, 'utf8'));
      if (ticks !== undefined) found.set(Number(pid), ticks);
    } catch {
      // It has ended since.
    }
  }
  return found;
}

/** User and system time of a line of /proc/PID/stat, whose name may hold blanks and brackets. */
export function ticksOf(stat: string): Ticks | undefined {
  const match = /^\d+ \((.*)\) \S (.*)$/s.exec(stat.trimEnd());
  if (!match) return undefined;
  // Fields after the state; user time is the 14th field of the line, system time the 15th.
  const fields = (match[2] as string).split(' ');
  return { name: match[1] as string, ticks: Number(fields[10]) + Number(fields[11]) };
}
