/** An ordinary file of the host, which is what a file system in an image is compared with. */
import { closeSync, ftruncateSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { syncFile } from './commands.js';
import type { Target, TargetPlace } from './target.js';

export class PlainTarget implements Target {
  readonly name = 'plain';
  readonly storesData = true;
  readonly file: string;

  constructor(private readonly place: TargetPlace) {
    this.file = join(place.directory, 'image');
  }

  async start(): Promise<void> {
    const descriptor = openSync(this.file, 'a', 0o600);
    ftruncateSync(descriptor, this.place.imageBytes);
    closeSync(descriptor);
  }

  async stop(): Promise<void> {
    await this.settle();
  }

  async settle(): Promise<void> {
    await syncFile(this.file);
  }

  daemonPid(): undefined {
    return undefined;
  }
}
