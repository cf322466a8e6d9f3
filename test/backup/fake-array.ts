/**
 * A directory of plain files that looks like a mounted array to programs: tables, sectors, images, and the control files info and delete, which
 * change them as an array does. Other commands a test answers itself.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KnownArray } from '../../src/backup/client/errand-handler.js';
import { ArrayError } from '../../src/base/errors.js';
import { ArrayClient } from '../../src/client/array-client.js';
import type { ControlHandle } from '../../src/client/control-file.js';
import { decodeVolumeInfo, isVolumeInfo } from '../../src/volume/volume-info.js';
import { makeScratch } from '../support/scratch-directory.js';

export interface FakeCopy {
  readonly number: number;
  readonly volume: string;
  readonly snapshot: string | null;
  readonly uuid: string;
  sector?: Uint8Array | undefined;
  isModified?: boolean;
  openCount?: number;
  content?: Uint8Array;
}

/** Answers a command with its result, or throws. */
export type FakeCommand = (line: string) => string;

export class FakeArray {
  readonly mountPoint = join(makeScratch(), 'array');
  readonly lines: string[] = [];
  readonly commands = new Map<string, FakeCommand>();
  readonly tables = new Map<string, unknown>([
    ['devices', []],
    ['backups', []],
    ['jobs', []],
    ['pairs', []],
  ]);
  copies: FakeCopy[] = [];
  private lastNumber = 0;

  constructor(readonly uuid: string) {
    for (const part of ['ctl', 'status', 'info', 'volumes', 'snapshots', 'jobs']) {
      mkdirSync(join(this.mountPoint, part), { recursive: true });
    }
    this.commands.set('info', (line) => this.setInfo(line));
    this.commands.set('delete', (line) => this.delete(line));
  }

  get known(): KnownArray {
    const open = async (path: string) => this.control(path.slice(path.lastIndexOf('/') + 1));
    const client = new ArrayClient(this.mountPoint, open);
    return { uuid: this.uuid, serial: 'ABC', mountPoint: this.mountPoint, client };
  }

  /** `VOLUME` or `VOLUME@SNAPSHOT`. */
  add(copy: string, more: Partial<FakeCopy> = {}): FakeCopy {
    this.lastNumber += 1;
    const number = this.lastNumber;
    const [volume = '', snapshot = null] = copy.split('@');
    const uuid = `${this.uuid.slice(0, 24)}${`${number}`.padStart(12, '0')}`;
    const made = { number, volume, snapshot, uuid, ...more };
    this.copies.push(made);
    return made;
  }

  find(copy: string): FakeCopy {
    const found = this.copies.find((one) => nameOf(one) === copy);
    if (found !== undefined) return found;
    throw new ArrayError('ENOENT', `no volume or snapshot '${copy}'`);
  }

  /** Writes all files as they are now. */
  write(): void {
    const at = (...parts: string[]) => join(this.mountPoint, ...parts);
    for (const part of ['info', 'volumes', 'snapshots']) {
      rmSync(at(part), { recursive: true });
      mkdirSync(at(part));
    }
    for (const copy of this.copies) {
      const { volume, snapshot, content = new Uint8Array(), sector = new Uint8Array() } = copy;
      writeFileSync(at('info', nameOf(copy)), sector);
      if (snapshot !== null) mkdirSync(at('snapshots', volume), { recursive: true });
      const place = snapshot === null ? at('volumes', volume) : at('snapshots', volume, snapshot);
      writeFileSync(place, content);
    }
    const volumes = this.copies.filter(({ snapshot }) => snapshot === null);
    const snapshots = this.copies.filter(({ snapshot }) => snapshot !== null);
    this.tables.set(
      'volumes',
      volumes.map((copy) => this.row(copy)),
    );
    this.tables.set(
      'snapshots',
      snapshots.map((copy) => this.row(copy)),
    );
    for (const [name, rows] of this.tables) {
      writeFileSync(at('status', `${name}.json`), JSON.stringify(rows));
    }
  }

  private row(copy: FakeCopy): object {
    const { number, uuid, volume, snapshot, sector, content, openCount = 0 } = copy;
    const volumeNumber = this.copies.find((one) => nameOf(one) === volume)?.number ?? 0;
    const sizeBytes = content?.length ?? 0;
    const snapshots = this.copies.filter((one) => one.volume === volume && one.snapshot !== null);
    return {
      ...{ number, uuid, volume, volumeNumber, name: snapshot ?? volume, naa: '', sizeBytes },
      ...{ allocatedBytes: sizeBytes, state: 'normal', pool: 'main', openCount, writerCount: 0 },
      ...{ reserved: false, primary: null, label: '', createdMs: 0, modifiedMs: 0 },
      snapshots: snapshots.map((one) => one.number),
      info: sector && {
        format: formatOf(sector),
        modifiedSinceStored: copy.isModified ?? false,
      },
      ...(sector === undefined && { info: null }),
    };
  }

  private control(name: string): ControlHandle {
    let result = 'error EINVAL: no command\n';
    const handle = {
      write: async (data: Buffer) => {
        const line = data.toString().trim();
        this.lines.push(`${name} ${line}`);
        try {
          const command = this.commands.get(name);
          if (command === undefined) throw new ArrayError('ENOENT', `no command ${name}`);
          result = `ok ${command(line)}\n`;
        } catch (error) {
          const { code, reason } = error as ArrayError;
          result = `error ${code}: ${reason}\n`;
        }
        this.write();
        return { bytesWritten: data.length, buffer: data };
      },
      read: async (target: Buffer, at: number, _length: number, position: number) => {
        const bytesRead = Buffer.from(result).subarray(position).copy(target, at);
        return { bytesRead, buffer: target };
      },
      close: async () => undefined,
    };
    return handle as unknown as ControlHandle;
  }

  private setInfo(line: string): string {
    const [copy = '', option = ''] = line.split(' ');
    const found = this.find(copy);
    const sector = option.replace(/^set=/, '').replaceAll('"', '');
    found.sector = option === 'clear=yes' ? undefined : Buffer.from(sector, 'base64');
    found.isModified = false;
    return `information of ${copy}`;
  }

  private delete(line: string): string {
    const found = this.find(line);
    if ((found.openCount ?? 0) > 0) throw new ArrayError('EBUSY', `${line} is open`);
    this.copies = this.copies.filter((one) => one !== found);
    return `deleted ${line}`;
  }
}

function nameOf({ volume, snapshot }: FakeCopy): string {
  return snapshot === null ? volume : `${volume}@${snapshot}`;
}

/** As the array's own table tells it. */
function formatOf(sector: Uint8Array): string {
  if (!isVolumeInfo(sector)) return 'other';
  try {
    decodeVolumeInfo(sector);
    return 'AFSVINF1';
  } catch {
    return 'damaged';
  }
}
