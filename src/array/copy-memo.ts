/**
 * What is stored with the job of an image's copy, as JSON: the order itself, so that it can be given again, and what the next mount
 * has to know of a copy that a stop or a crash has interrupted. A backup goes on from its pointer as long as what it reads is
 * in one snapshot; of a volume that was being overwritten it is known that it holds half a copy.
 */
import type { BackupManifest, Management } from '../device/backup-manifest.js';
import type { BackupPointer } from '../device/backup-writer.js';
import type { ImageCopyRequest } from './ecopy-contract.js';

/** A backup that goes on in the next mount. */
export interface KeptBackup {
  /** Number of the snapshot it reads. */
  readonly source: number;
  readonly device: string;
  /** Where the device was: another one of this name is not written to. */
  readonly path: string;
  readonly medium: string;
  readonly manifest: BackupManifest;
  /** Base64 of the volume-information sector. */
  readonly information: string | undefined;
  /** Durable on the medium; absent where nothing is yet. */
  readonly pointer: BackupPointer | undefined;
}

export interface StoredMemo {
  readonly request: ImageCopyRequest;
  /** A volume that is being overwritten: its name before it is made, then `#NUMBER`. */
  readonly target?: string | undefined;
  /** The copy is whole and durable: all that is missing is the end of the job. */
  readonly result?: string | undefined;
  readonly backup?: KeptBackup | undefined;
  /** Why the next mount cannot go on with it, for people. */
  readonly obstacle?: string | undefined;
}

export class CopyMemo {
  target: string | undefined;
  result: string | undefined;
  obstacle: string | undefined;
  /** Asked whenever the job is stored: the pointer moves. */
  backup: () => KeptBackup | undefined = () => undefined;

  constructor(readonly request: ImageCopyRequest) {}

  readonly text = (): string => {
    const { request, target, result, obstacle } = this;
    const stored: StoredMemo = { request, target, result, obstacle, backup: this.backup() };
    return JSON.stringify(stored);
  };
}

/** Undefined where none was stored, or one that this program cannot read. */
export function readMemo(text: string): StoredMemo | undefined {
  try {
    return JSON.parse(text) as StoredMemo;
  } catch {
    return undefined;
  }
}

export function keptInformation(information: Uint8Array): string;
export function keptInformation(information: Uint8Array | undefined): string | undefined;
export function keptInformation(information: Uint8Array | undefined): string | undefined {
  return information && Buffer.from(information).toString('base64');
}

/** The twin of `keptInformation`. */
export function informationOfKept(kept: string | undefined): Uint8Array | undefined {
  return kept === undefined ? undefined : Buffer.from(kept, 'base64');
}

/** What the backup on the medium says of itself. */
export function managementOfKept({ manifest, information }: KeptBackup): Management {
  return { manifest, information: informationOfKept(information) };
}
