/** Where and with what a run was made: numbers mean little without it. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statfsSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, uptime } from 'node:os';
import { fileURLToPath } from 'node:url';
import { busyProcesses } from './busy-processes.js';
import { commandVersion } from './commands.js';

/** Load over which a machine is not idle enough to believe its numbers. */
const QUIET_LOAD_MAX = 0.5;

export interface Machine {
  readonly date: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryMebibytes: number;
  readonly kernel: string;
  readonly directoryFreeMebibytes: number;
  readonly uptimeSeconds: number;
  /** Over 1, 5 and 15 minutes, before the run. */
  readonly load: readonly number[];
  /** Processes that were busy just before the run, with the share of a core each took. */
  readonly busy: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
}

export async function describeMachine(directory: string): Promise<Machine> {
  const processors = cpus();
  const disk = statfsSync(directory);
  return {
    date: new Date().toISOString(),
    processor: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memoryMebibytes: Math.round(totalmem() / 2 ** 20),
    kernel: release(),
    directoryFreeMebibytes: Math.round((disk.bavail * disk.bsize) / 2 ** 20),
    uptimeSeconds: Math.round(uptime()),
    load: loadavg(),
    busy: await busyProcesses(),
    versions: {
      arrayfs: commit(),
      node: process.version,
      lmdb: packageVersion('lmdb'),
      'fuse-native': packageVersion('fuse-native'),
      fio: versionOf('fio'),
      qemu: versionOf('qemu-storage-daemon'),
      postgresql: versionOf('pgbench'),
    },
  };
}

/** What makes the numbers of this run doubtful. */
export function machineWarnings(machine: Machine): string[] {
  const warnings: string[] = [];
  const load = machine.load[0] ?? 0;
  if (load > QUIET_LOAD_MAX) {
    warnings.push(`the machine is not idle (load ${load.toFixed(2)}): compare ratios, not numbers`);
  }
  for (const line of machine.busy) warnings.push(`the machine is not idle: ${line}`);
  return warnings;
}

/** The number in what a command says with --version. */
function versionOf(command: string): string {
  return /\d+(\.\d+)+/.exec(commandVersion(command, ['--version']) ?? '')?.[0] ?? 'missing';
}

function commit(): string {
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  try {
    const words = ['-C', root, 'describe', '--always', '--dirty'];
    return execFileSync('git', words, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
}

function packageVersion(name: string): string {
  const file = new URL(`../../../node_modules/${name}/package.json`, import.meta.url);
  const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
  return String((content as { version?: unknown }).version);
}
