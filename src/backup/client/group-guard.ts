/**
 * What a client that is killed would leave running: a small process beside a command waits for the end of the client, which
 * closes its pipe, and kills the command with all of its process group. So it cannot go on beside what the next client does.
 */
import { spawn } from 'node:child_process';

/** $1: the process group. A line says that the command has ended. */
const GUARD = 'read -r _ || kill -s KILL -- "-$1"';

/** Until the function that comes back is called. */
export function guardGroup(group: number): () => void {
  const child = spawn('/bin/sh', ['-c', GUARD, 'arrayfs-guard', `${group}`], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
  });
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  return () => child.stdin.end('ended\n');
}
