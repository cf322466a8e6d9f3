/**
 * LUN mapping and masking: which volume a host sees under which number at which target port. A LUN that is
 * mapped for one host hides the one of the same number for any host. What is hidden looks exactly like what is
 * not there, and nothing else can be named by a command: neither by port and LUN nor by identifier.
 */
import { ArrayError } from '../base/errors.js';
import { LUN_MAPPINGS_MAX, LUN_MAX } from '../base/limits.js';
import {
  ANY_HOST,
  type Host,
  type LunMapping,
  portOf,
  type SanConfiguration,
} from './configuration.js';
import { hostNamed } from './hosts.js';
import { groupOfTarget } from './port-groups.js';
import { PORT_IDS, type PortId } from './port-id.js';

/** EINVAL at a port that is no target, ENOENT for an unknown host, EEXIST where the LUN is taken. */
export function mapLun(san: SanConfiguration, mapping: LunMapping): SanConfiguration {
  const { port, lun, host } = mapping;
  if (portOf(san, port).role === 'initiator') {
    throw new ArrayError('EINVAL', `port ${port} is an initiator port: it has no LUNs`);
  }
  checkLun(lun);
  if (host !== ANY_HOST) hostNamed(san, host);
  const known = findMapping(san, mapping);
  if (known?.volume === mapping.volume) return san;
  if (known !== undefined) {
    throw new ArrayError(
      'EEXIST',
      `LUN ${lun} at ${port} for ${forHost(host)} is #${known.volume} already`,
    );
  }
  if (san.mappings.length >= LUN_MAPPINGS_MAX) {
    throw new ArrayError('ENOSPC', `there are ${LUN_MAPPINGS_MAX} LUN mappings already`);
  }
  return { ...san, mappings: [...san.mappings, mapping] };
}

/** ENOENT where it is not mapped. */
export function unmapLun(
  san: SanConfiguration,
  place: Pick<LunMapping, 'port' | 'lun' | 'host'>,
): SanConfiguration {
  const known = findMapping(san, place);
  if (known === undefined) {
    const { port, lun, host } = place;
    throw new ArrayError('ENOENT', `LUN ${lun} at ${port} is not mapped for ${forHost(host)}`);
  }
  return { ...san, mappings: san.mappings.filter((mapping) => mapping !== known) };
}

/** The volume is deleted: all its LUNs go with it. */
export function unmapVolume(san: SanConfiguration, volume: number): SanConfiguration {
  const mappings = san.mappings.filter((mapping) => mapping.volume !== volume);
  return mappings.length === san.mappings.length ? san : { ...san, mappings };
}

/** The lowest number that `host` has free at all of the ports; ENOSPC where there is none. */
export function freeLun(san: SanConfiguration, ports: readonly PortId[], host: string): number {
  const taken = new Set(
    san.mappings
      .filter((mapping) => ports.includes(mapping.port))
      .filter((mapping) => [host, ANY_HOST].includes(mapping.host) || host === ANY_HOST)
      .map(({ lun }) => lun),
  );
  for (let lun = 0; lun <= LUN_MAX; lun += 1) if (!taken.has(lun)) return lun;
  throw new ArrayError('ENOSPC', `${ports.join(', ')} has no LUN left for ${forHost(host)}`);
}

/** What the host sees at the port, by LUN. */
export function visibleLuns(
  san: SanConfiguration,
  host: Host,
  port: PortId,
): readonly LunMapping[] {
  const own = new Map<number, LunMapping>();
  for (const mapping of san.mappings) {
    if (mapping.port !== port) continue;
    if (mapping.host === host.name) own.set(mapping.lun, mapping);
    else if (mapping.host === ANY_HOST && !own.has(mapping.lun)) own.set(mapping.lun, mapping);
  }
  return [...own.values()].sort((one, other) => one.lun - other.lun);
}

/** The volume number; undefined where the host sees no such LUN, whether there is one or not. */
export function volumeOfLun(
  san: SanConfiguration,
  host: Host,
  port: PortId,
  lun: number,
): number | undefined {
  const there = san.mappings.filter((mapping) => mapping.port === port && mapping.lun === lun);
  const own = there.find((mapping) => mapping.host === host.name);
  return (own ?? there.find((mapping) => mapping.host === ANY_HOST))?.volume;
}

/**
 * The target ports whose LUNs a copy command may name that came through `port`: those of its group; without a
 * group all, as far as the host sees something there.
 */
export function nameablePorts(san: SanConfiguration, port: PortId): readonly PortId[] {
  return groupOfTarget(san, port)?.targets ?? PORT_IDS;
}

/** The volumes that a copy command of `host`, come through `port`, may name by identifier. */
export function nameableVolumes(
  san: SanConfiguration,
  host: Host,
  port: PortId,
): ReadonlySet<number> {
  const mappings = nameablePorts(san, port).flatMap((place) => visibleLuns(san, host, place));
  return new Set(mappings.map(({ volume }) => volume));
}

function findMapping(
  san: SanConfiguration,
  { port, lun, host }: Pick<LunMapping, 'port' | 'lun' | 'host'>,
): LunMapping | undefined {
  return san.mappings.find(
    (mapping) => mapping.port === port && mapping.lun === lun && mapping.host === host,
  );
}

function checkLun(lun: number): void {
  if (Number.isInteger(lun) && lun >= 0 && lun <= LUN_MAX) return;
  throw new ArrayError('EINVAL', `${lun} is no LUN: 0 to ${LUN_MAX}`);
}

const forHost = (host: string) => (host === ANY_HOST ? 'any host' : `host ${host}`);
