/**
 * A SCSI command at a target port, its answer, and the narrow contract through which the array serves it: which
 * volumes a host sees there, and the copy manager. Whether the port carries commands at the moment
 * (`checkPort`) is looked at before; a port that is down answers nothing.
 */
import type { PortId } from '../san/port-id.js';
import type { CopyStatus, FailedSegment } from './copy-results.js';
import type { ParameterList } from './parameter-list.js';

/** A host and the port it talks to. List identifiers mean something between these two alone. */
export interface Nexus {
  /** Name of the host. */
  readonly host: string;
  readonly port: PortId;
}

export interface ScsiCommand {
  /** 8 bytes, SAM form. */
  readonly lun: Uint8Array;
  /** As long as its operation code asks for, or up to 16 bytes. */
  readonly cdb: Uint8Array;
  readonly dataOut: Uint8Array;
}

export type ScsiRequest = Nexus & ScsiCommand;

export const SCSI_STATUS = { good: 0x00, checkCondition: 0x02, busy: 0x08 } as const;

export interface ScsiAnswer {
  readonly status: number;
  /** Fixed format; empty unless the status is CHECK CONDITION. */
  readonly sense: Uint8Array;
  readonly dataIn: Uint8Array;
}

/** A volume or snapshot as a host sees it at a port. */
export interface ScsiVolume {
  readonly lun: number;
  /** Volume number. */
  readonly number: number;
  /** NAA identifier, 32 hex digits. */
  readonly naa: string;
  /** Up to 64 bytes of UTF-8, or nothing. */
  readonly label: string;
  /** Whole sectors. */
  readonly sizeBytes: number;
}

/** What is kept of a copy for RECEIVE COPY RESULTS. A part is absent when it has been forgotten. */
export interface CopyResults {
  readonly status?: CopyStatus;
  /** Absent while the copy runs. */
  readonly heldData?: Uint8Array;
  /** Absent while the copy runs. */
  readonly failure?: FailedSegment | 'none';
}

export interface CopyManager {
  /** Ends with the copy. A SenseError where it is refused or fails. */
  copy(nexus: Nexus, list: ParameterList): Promise<void>;
  /** Undefined where the list identifier is not known. */
  results(nexus: Nexus, listIdentifier: number): CopyResults | undefined;
  /** The host has all of this part, or does not want it. */
  forget(nexus: Nexus, listIdentifier: number, part: keyof CopyResults): void;
}

export interface ScsiTarget {
  /** Of the array, 12 hex digits. */
  readonly serial: string;
  readonly copyManager: CopyManager;
  /** What the host may see at the port, and nothing else; ascending by LUN. */
  volumes(nexus: Nexus): readonly ScsiVolume[];
}
