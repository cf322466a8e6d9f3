/** Stops a backup under way at a certain place until the test has done what it wants: in its commands, or while a file system is frozen. */
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './programs.js';
import { subdirectory } from './scratch-directory.js';

export type HeldPlace = 'pre' | 'freeze' | 'post';

export class BackupHold {
  /** Lead the command of a client whose freezing can be held: its fsfreeze waits after it has frozen something. */
  readonly clientWords: readonly string[];
  /** A line for each command that has run to its end. */
  private readonly ends: string;

  constructor(private readonly directory: string) {
    const programs = subdirectory(directory, 'programs');
    const wrapper = join(programs, 'fsfreeze');
    const script = `/sbin/fsfreeze "$@" || exit\n[ "$1" = -u ] || ${this.wait('freeze')}`;
    writeFileSync(wrapper, `#!/bin/sh\n${script}\n`);
    chmodSync(wrapper, 0o755);
    this.clientWords = ['env', `PATH=${programs}:${process.env.PATH}`];
    this.ends = join(directory, 'ends');
  }

  /** To be given as the command of a definition, and allowed. */
  command(place: 'pre' | 'post'): string {
    return `${this.wait(place)}; echo ${place} >> ${this.ends}`;
  }

  /** Resolves when what `begin` has begun waits there. */
  async at<T>(place: HeldPlace, begin: () => Promise<T>): Promise<T> {
    rmSync(this.ends, { force: true });
    writeFileSync(this.file('hold', place), '');
    const begun = await begin();
    await until(() => existsSync(this.file('waits', place)));
    return begun;
  }

  release(place: HeldPlace): void {
    for (const what of ['hold', 'waits']) rmSync(this.file(what, place), { force: true });
  }

  /** The commands that have run to their end since something was held, in order. */
  ran(): string[] {
    if (!existsSync(this.ends)) return [];
    return readFileSync(this.ends, 'utf8').trim().split('\n');
  }

  private wait(place: HeldPlace): string {
    const [hold, waits] = [this.file('hold', place), this.file('waits', place)];
    return `while [ -e ${hold} ]; do touch ${waits}; sleep 0.02; done`;
  }

  private file(what: string, place: HeldPlace): string {
    return join(this.directory, `${what}-${place}`);
  }
}
