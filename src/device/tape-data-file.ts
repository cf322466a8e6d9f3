/**
 * The data file of a backup on tape as it is being written, over as many cartridges as it takes:
 *
 *   A: .. HDR1 HDR2 * blocks * EOV1 EOV2 * *     B: VOL1 HDR1 HDR2 * blocks * EOF1 EOF2 * *
 *
 * B is an empty cartridge of the library, or one that a writer before a crash had begun for this
 * section. Where there is none the file on A loses its end: it is half a backup, and not one that goes on.
 */
import { crc32 } from 'node:zlib';
import type { StreamMedium, StreamSession } from './backup-device.js';
import type { TapePointer } from './backup-writer.js';
import { DATA_BLOCK_BYTES } from './data-block.js';
import { DeviceError } from './device-error.js';
import {
  beginFile,
  endFile,
  endVolume,
  fileLabel,
  readContent,
  readGroup,
  type TapeStart,
} from './labelled-tape.js';
import { type FileIdentity, sectionFormat, sectionLabel } from './section-labels.js';
import { decodeLabel, type LabelGroup } from './tape-label.js';
import { beginsWith, checkFullVolume, findVolume, nextSection } from './tape-volumes.js';

type Place = {
  -readonly [K in Exclude<keyof TapePointer, 'structure' | 'position'>]: TapePointer[K];
};

/** The image offset up to which this block completes the backup; undefined: not the block due. */
export type AcceptBlock = (block: Uint8Array, place: Readonly<Place>) => number | undefined;

export class TapeDataFile {
  private constructor(
    private readonly session: StreamSession,
    private readonly identity: FileIdentity,
    private tape: StreamMedium,
    private readonly place: Place,
  ) {}

  /** Begins the first section where the tape stands. */
  static begin(
    session: StreamSession,
    medium: string,
    tape: StreamMedium,
    identity: FileIdentity,
  ): TapeDataFile {
    const { setId, sequence } = identity;
    const file = new TapeDataFile(session, identity, tape, {
      ...{ medium, volumes: [medium], setId, sequence, section: 1 },
      ...{ sectionAt: 0, sectionBlocks: 0, sectionCrc: 0, blocks: 0, nextOffset: 0 },
    });
    file.beginSection();
    return file;
  }

  /** Stands at the pointer, on its cartridge; `damaged` where the file is not there any more. */
  static reopen(
    session: StreamSession,
    pointer: TapePointer,
    { fileId, createdMs }: Pick<FileIdentity, 'fileId' | 'createdMs'>,
  ): TapeDataFile {
    session.reserve(pointer.medium);
    const tape = session.load('write');
    const { structure: _structure, position, ...place } = pointer;
    const { setId, sequence } = pointer;
    const file = new TapeDataFile(session, { fileId, createdMs, setId, sequence }, tape, place);
    file.checkSection();
    tape.seek(position);
    return file;
  }

  get blocks(): number {
    return this.place.blocks;
  }

  get nextOffset(): number {
    return this.place.nextOffset;
  }

  get volumes(): readonly string[] {
    return this.place.volumes;
  }

  get pointer(): TapePointer {
    return { structure: 'stream', position: this.tape.position, ...this.place };
  }

  put(block: Uint8Array, end: number): void {
    if (this.tape.isNearEnd) {
      const { position } = this.tape;
      this.endSection('EOV');
      this.enterNextVolume(position);
    }
    this.tape.writeRecord(block);
    this.count(block, end);
  }

  end(): void {
    this.endSection('EOF');
  }

  /** The cartridges before the last one have been out of sight since they became full. The last one is unloaded then. */
  checkFullVolumes(): void {
    const { place, identity, session } = this;
    for (const [index, name] of place.volumes.slice(0, -1).entries()) {
      checkFullVolume(session, name, { ...identity, section: index + 1 });
    }
  }

  checkpoint(): TapePointer {
    this.tape.sync();
    return this.pointer;
  }

  /**
   * Reads on from a pointer what was written after it, over further volumes, and stands behind the
   * last block accepted; what follows disappears with the next one. True where the file has its end.
   */
  readOn(accept: AcceptBlock): boolean {
    for (;;) {
      const at = this.tape.position;
      const reading = readable(() => this.tape.read());
      const isRecord = reading?.kind === 'record' && !reading.damaged;
      const end = isRecord ? accept(reading.data, this.place) : undefined;
      if (isRecord && end !== undefined) {
        this.count(reading.data, end);
        continue;
      }
      const trailer = reading?.kind === 'mark' ? this.readTrailer() : undefined;
      if (trailer === undefined) {
        this.tape.seek(at);
        return false;
      }
      // The second of the last marks may be missing.
      endVolume(this.tape);
      if (trailer === 'EOF') return true;
      this.enterNextVolume(at);
    }
  }

  private count(block: Uint8Array, end: number): void {
    const { place } = this;
    place.blocks += 1;
    place.sectionBlocks += 1;
    place.sectionCrc = crc32(block, place.sectionCrc);
    place.nextOffset = end;
  }

  private beginSection(): void {
    const { section } = this.place;
    beginFile(this.tape, sectionLabel(this.identity, section), sectionFormat(DATA_BLOCK_BYTES));
    this.place.sectionAt = this.tape.position;
  }

  private endSection(group: 'EOF' | 'EOV'): void {
    const { section, sectionBlocks, sectionCrc } = this.place;
    const label = sectionLabel(this.identity, section, sectionBlocks);
    endFile(this.tape, group, label, sectionFormat(DATA_BLOCK_BYTES, sectionCrc));
    this.tape.sync();
  }

  /** Stands at the first block of the next section, which may have blocks already. `endsAt`: where this one ends. */
  private enterNextVolume(endsAt: number): void {
    const { place, session } = this;
    const wanted = nextSection({ ...this.identity, section: place.section });
    const begun = findVolume(session, place.medium, 'write', (start) => beginsWith(start, wanted));
    const tape = begun ?? findVolume(session, place.medium, 'write', isEmptyVolume);
    if (tape === undefined) {
      this.cutOff(endsAt);
      throw new DeviceError(
        'full',
        `cartridge ${place.medium} is full and the library has no empty one to go on with`,
      );
    }
    this.tape = tape;
    place.medium = session.reserved ?? '';
    place.volumes = [...place.volumes, place.medium];
    place.section += 1;
    place.sectionBlocks = 0;
    place.sectionCrc = 0;
    this.enterSection(begun !== undefined);
  }

  /** The section has no end then. */
  private cutOff(endsAt: number): void {
    this.session.reserve(this.place.medium);
    this.tape = this.session.load('write');
    this.tape.seek(endsAt);
    endVolume(this.tape);
    this.tape.sync();
  }

  private enterSection(isBegun: boolean): void {
    const content = readContent(this.tape);
    const first = content?.files[0];
    if (isBegun && first !== undefined) {
      this.place.sectionAt = first.dataAt;
      this.tape.seek(first.dataAt);
    } else {
      this.tape.seek(content?.appendAt ?? 0);
      this.beginSection();
    }
  }

  private checkSection(): void {
    const { sectionAt, section, medium } = this.place;
    this.tape.seek(sectionAt);
    this.tape.spaceMarks(-1);
    this.tape.spaceRecords(-2);
    const reading = this.tape.read();
    const label = reading.kind === 'record' ? decodeLabel(reading.data) : undefined;
    const { fileId } = this.identity;
    const isOurs = label?.kind === 'file' && label.fileId === fileId && label.section === section;
    if (!isOurs) throw new DeviceError('damaged', `${fileId} is no longer on cartridge ${medium}`);
  }

  /** Undefined where the group of labels is not whole. */
  private readTrailer(): LabelGroup | undefined {
    return readable(() => {
      const { labels, ended } = readGroup(this.tape);
      return ended ? fileLabel(labels, ['EOF', 'EOV']).group : undefined;
    });
  }
}

/** One with the label of another is no place for a backup: who is told of that one would not find it. */
function isEmptyVolume({ first, volume }: TapeStart, name: string): boolean {
  return first === undefined && volume.accessibility === '' && volume.volumeId === name;
}

/** Undefined where what is on the tape cannot be read. */
function readable<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof DeviceError && error.fault === 'damaged') return undefined;
    throw error;
  }
}
