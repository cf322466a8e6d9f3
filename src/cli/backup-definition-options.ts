/** The options of `arrayfs backup define`, and those that other commands share with it. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  BACKUP_CLASSES,
  BACKUP_METHODS,
  BACKUP_POLICIES,
  KEEP_PERIODS,
} from '../backup/choices.js';
import type { HookCommand, KeepRule } from '../backup/definition.js';
import { collected, namedOption, wholeNumber } from './backup-words.js';

export interface HookOptions {
  readonly pre?: string;
  readonly post?: string;
  readonly preTimeout?: number;
  readonly postTimeout?: number;
}

export interface DefineOptions extends HookOptions {
  readonly path?: readonly string[];
  readonly volume?: readonly string[];
  readonly client?: string;
  readonly array?: string;
  readonly method: string;
  readonly to?: readonly string[];
  readonly then?: readonly string[];
  readonly class: string;
  readonly policy: string;
  readonly incremental?: boolean;
  readonly freeze?: boolean;
  readonly resyncAfter?: boolean;
  readonly sha256?: boolean;
  readonly label: string;
  readonly schedule?: string;
  readonly timeZone?: string;
  readonly keep?: Partial<KeepRule>;
  readonly replace?: boolean;
}

const HOOK_TIMEOUT_SECONDS = 600;

export function addDefineOptions(command: Command): void {
  const repeated = (option: Option) => option.argParser(collected);
  command
    .addOption(
      repeated(
        namedOption('--path <dir>', 'directory', 'a mounted file system to back up; repeatable'),
      ),
    )
    .addOption(
      repeated(namedOption('--volume <name>', 'volume', 'a volume to back up; repeatable')),
    )
    .addOption(clientOption('that backs up; default: the only one'))
    .addOption(arrayOption('that --volume is on; default: the only one the client has'))
    .addOption(
      new Option('--method <how>', 'how the image is taken')
        .choices(BACKUP_METHODS)
        .default('snapshot'),
    )
    .addOption(
      repeated(
        namedOption('--to <volume>', 'volume', 'the secondary of a mirror; one for each source'),
      ),
    )
    .addOption(
      repeated(
        new Option(
          '--then <medium>',
          'also copy to a device, such as tape0, or a volume of another array',
        ),
      ),
    )
    .addOption(
      new Option('--class <class>', 'which image stays; tape and array: only the copy')
        .choices(BACKUP_CLASSES)
        .default('disk'),
    )
    .addOption(
      new Option('--policy <when>', 'when the copy to the medium begins, after a split')
        .choices(BACKUP_POLICIES)
        .default('merge'),
    )
    .option('--incremental', 'copy only what has changed since the last copy there')
    .option('--freeze', 'sync and freeze the file systems around the instant')
    .option('--resync-after', 'resynchronise a mirror when the copy is made, not before the next')
    .option('--sha256', 'compute and store the SHA-256 of the image')
    .option('--label <text>', 'stored with each backup', '')
    .option('--schedule <cron>', "when it runs by itself, such as '30 2 * * *'")
    .option('--time-zone <name>', 'of the schedule, such as Europe/Berlin; default: the server’s')
    .addOption(
      new Option(
        '--keep <rule>',
        'which backups stay, such as daily=7,weekly=4; default: all',
      ).argParser(keepRule),
    );
  addHookOptions(command, 'the backup');
}

/** `what` they run before and after. */
export function addHookOptions(command: Command, what: string): void {
  const timeout = (which: string) =>
    new Option(`--${which}-timeout <seconds>`, `how long the ${which} command may take`)
      .argParser(wholeNumber)
      .default(HOOK_TIMEOUT_SECONDS);
  command
    .option('--pre <command>', `run on the client before ${what}`)
    .addOption(timeout('pre'))
    .option('--post <command>', `run on the client after ${what}, also when it has failed`)
    .addOption(timeout('post'));
}

export function clientOption(help: string): Option {
  return namedOption('--client <name>', 'backup-client', `the client ${help}`);
}

export function arrayOption(help: string): Option {
  return namedOption('--array <array>', 'directory', `mount point or UUID of the array ${help}`);
}

export function hookOf(
  command: string | undefined,
  seconds = HOOK_TIMEOUT_SECONDS,
): HookCommand | null {
  return command === undefined ? null : { command, timeoutMs: seconds * 1000 };
}

/** `daily=7,weekly=4`. */
function keepRule(text: string): Partial<KeepRule> {
  const rules = text.split(',').map((rule) => {
    const [, period = '', count] = /^([a-z]+)=(\d{1,6})$/.exec(rule.trim()) ?? [];
    if (!(KEEP_PERIODS as readonly string[]).includes(period)) {
      throw new InvalidArgumentError(
        `Not a rule: '${rule}'. Periods are ${KEEP_PERIODS.join(' ')}, such as daily=7,weekly=4.`,
      );
    }
    return [period, Number(count)];
  });
  return Object.fromEntries(rules);
}
