/**
 * A target of four volumes behind LUN masking, with a copy manager that keeps results and notes what it
 * is asked to do:
 *
 *    CL1-A  LUN 1 #7 any host   LUN 2 #8 host `other`   LUN 3 #9 no sector   LUN 300 #300 host `local`
 *    CL2-B  LUN 0 #7 any host
 */
import { naaText } from '../../src/base/uuid.js';
import type { ParameterList } from '../../src/ecopy/parameter-list.js';
import { executeCommand } from '../../src/ecopy/scsi-port.js';
import type {
  CopyManager,
  CopyResults,
  Nexus,
  ScsiAnswer,
  ScsiTarget,
  ScsiVolume,
} from '../../src/ecopy/scsi-target.js';
import { initialSan, type LunMapping } from '../../src/san/configuration.js';
import { hostNamed, setHost } from '../../src/san/hosts.js';
import { mapLun, visibleLuns } from '../../src/san/lun-map.js';
import { bytesOf, hexOf } from './worked-examples.js';

export const SERIAL = '0123456789ab';

const MAPPINGS: readonly LunMapping[] = [
  { port: 'CL1-A', lun: 1, host: 'any', volume: 7 },
  { port: 'CL1-A', lun: 2, host: 'other', volume: 8 },
  { port: 'CL1-A', lun: 3, host: 'any', volume: 9 },
  { port: 'CL1-A', lun: 300, host: 'local', volume: 300 },
  { port: 'CL2-B', lun: 0, host: 'any', volume: 7 },
];
const SAN = MAPPINGS.reduce(mapLun, setHost(initialSan(0), 'other', [1]));
const SIZES: Readonly<Record<number, number>> = { 7: 2 ** 30, 8: 2 ** 30, 9: 0, 300: 4 * 2 ** 40 };

/** Keeps what a test puts into it. */
export class NotingCopyManager implements CopyManager {
  readonly copied: { readonly nexus: Nexus; readonly list: ParameterList }[] = [];
  readonly forgotten: string[] = [];
  /** By host, port and list identifier: `local CL1-A 34`. */
  readonly kept = new Map<string, CopyResults>();
  failure: Error | undefined;

  async copy({ host, port }: Nexus, list: ParameterList): Promise<void> {
    this.copied.push({ nexus: { host, port }, list });
    if (this.failure !== undefined) throw this.failure;
  }

  results({ host, port }: Nexus, listIdentifier: number): CopyResults | undefined {
    return this.kept.get(`${host} ${port} ${listIdentifier}`);
  }

  forget({ host, port }: Nexus, listIdentifier: number, part: string): void {
    this.forgotten.push(`${host} ${port} ${listIdentifier} ${part}`);
  }
}

export function targetWith(copyManager: CopyManager = new NotingCopyManager()): ScsiTarget {
  return {
    ...{ serial: SERIAL, copyManager },
    volumes: ({ host, port }) => visibleLuns(SAN, hostNamed(SAN, host), port).map(volumeOf),
  };
}

function volumeOf({ lun, volume: number }: LunMapping): ScsiVolume {
  const label = number === 7 ? 'payroll' : '';
  return { lun, number, naa: naaText(SERIAL, number), label, sizeBytes: SIZES[number] ?? 0 };
}

export interface Sent extends Partial<Nexus> {
  /** Hex; LUN 1 where it is not said. */
  readonly lun?: string;
  readonly dataOut?: Uint8Array;
  readonly copyManager?: CopyManager;
}

/** Sends a CDB in hex as host `local` to CL1-A. */
export function send(cdb: string, sent: Sent = {}): Promise<ScsiAnswer> {
  const { host = 'local', port = 'CL1-A', lun = '0001000000000000' } = sent;
  const dataOut = sent.dataOut ?? new Uint8Array();
  const request = { host, port, lun: bytesOf(lun), cdb: bytesOf(cdb), dataOut };
  return executeCommand(request, targetWith(sent.copyManager));
}

/** Status, sense and data as hex, with commas between them. */
export async function answered(cdb: string, sent: Sent = {}): Promise<string> {
  const { status, sense, dataIn } = await send(cdb, sent);
  return [status.toString(16).padStart(2, '0'), hexOf(sense), hexOf(dataIn)].join(',');
}

/** The same with blanks for reading. */
export function good(data: string): string {
  return `00,,${hexOf(bytesOf(data))}`;
}
