/**
 * The way of a copy request to a backup device ([000] figs. 9-11): which initiator ports may be used, in which
 * order they are searched, and the bitmap table of microprocessors that may do it:
 *
 *    item  microprocessor  port    available      available: the microprocessor is in the table and has
 *      1   CL1-M0          CL1-C   Y              not searched the port in vain yet
 *      2   CL1-M1          CL1-C   Y
 *
 * The ports of a group are searched as it lists them, without a group all initiator ports in series. A ranking by
 * load (path-choice.ts) comes before that order.
 */
import { ArrayError } from '../base/errors.js';
import { portOf, type SanConfiguration } from './configuration.js';
import { type Microprocessor, microprocessorMask } from './microprocessors.js';
import { groupNamed, groupOfTarget } from './port-groups.js';
import { PORT_IDS, type PortId } from './port-id.js';
import { portProblem, reaches } from './ports.js';
import type { PortResult } from './search-reasons.js';

export interface PathRequest {
  /** Name of a port group; absent: that of `arrivedAt`, or every initiator port in series. */
  readonly group?: string;
  /** The target port that the command came through. */
  readonly arrivedAt?: PortId;
  /** The user wants this initiator port and no other. */
  readonly port?: PortId;
}

export interface UsablePorts {
  /** In the order of the search. */
  readonly ports: readonly PortId[];
  /** The others of the group, or of the array, with the reason. */
  readonly refused: readonly PortResult[];
}

/** ENOENT for an unknown group, EACCES for one that `arrivedAt` is no target of, EINVAL for a port not in it. */
export function usablePorts(san: SanConfiguration, request: PathRequest): UsablePorts {
  const candidates = candidatePorts(san, request);
  const refused = candidates.flatMap((port): PortResult[] => {
    if (request.port !== undefined && port !== request.port)
      return [{ port, reason: 'not-chosen' }];
    const reason = portProblem(san, port, 'backup');
    return reason === undefined ? [] : [{ port, reason }];
  });
  const unusable = new Set(refused.map(({ port }) => port));
  return { ports: candidates.filter((port) => !unusable.has(port)), refused };
}

/** Those that have the device in their zones; the others are refused for want of a path. Errors as above. */
export function devicePorts(
  san: SanConfiguration,
  device: string,
  request: PathRequest = {},
): UsablePorts {
  const { ports, refused } = usablePorts(san, request);
  const apart = ports.filter((port) => !reaches(san, port, device));
  return {
    ports: ports.filter((port) => !apart.includes(port)),
    refused: [...refused, ...apart.map((port) => ({ port, reason: 'no-path' as const }))],
  };
}

export interface BitmapTable {
  /** In the order of the search; the first that any microprocessor may still use is next. */
  readonly order: readonly PortId[];
  /** Bit m: microprocessor m may search the port. Ports not in `order` have none. */
  readonly masks: Readonly<Record<PortId, number>>;
}

export interface TableRow {
  readonly item: number;
  readonly microprocessor: string;
  readonly port: PortId;
  readonly available: boolean;
}

/** `microprocessors`: those that run. A port that none of them has is refused. */
export function bitmapTable(
  { ports, refused }: UsablePorts,
  microprocessors: readonly Microprocessor[],
): { readonly table: BitmapTable; readonly refused: readonly PortResult[] } {
  const maskOf = (port: PortId) => microprocessorMask(microprocessors, port);
  const order = ports.filter((port) => maskOf(port) !== 0);
  const idle = ports.filter((port) => maskOf(port) === 0);
  const masks = PORT_IDS.map((port) => [port, order.includes(port) ? maskOf(port) : 0]);
  return {
    table: { order, masks: Object.fromEntries(masks) as Record<PortId, number> },
    refused: [...refused, ...idle.map((port) => ({ port, reason: 'no-microprocessor' as const }))],
  };
}

/** The table as people read it; `now` has the bits that are left of `table`. */
export function tableRows(
  table: BitmapTable,
  now: BitmapTable['masks'],
  microprocessors: readonly Microprocessor[],
): TableRow[] {
  const rows = table.order.flatMap((port) =>
    microprocessors
      .filter(({ index }) => (table.masks[port] & (1 << index)) !== 0)
      .map(({ index, name }) => ({
        microprocessor: name,
        port,
        available: (now[port] & (1 << index)) !== 0,
      })),
  );
  return rows.map((row, index) => ({ item: index + 1, ...row }));
}

/** The port to be searched next; undefined where nobody may search any more. */
export function nextPort({ order, masks }: BitmapTable): PortId | undefined {
  return order.find((port) => masks[port] !== 0);
}

function candidatePorts(
  san: SanConfiguration,
  { group: name, arrivedAt, port }: PathRequest,
): readonly PortId[] {
  const own = arrivedAt === undefined ? undefined : groupOfTarget(san, arrivedAt);
  const group = name === undefined ? own : groupNamed(san, name);
  if (group === undefined) {
    return PORT_IDS.filter((id) => id === port || portOf(san, id).role !== 'target');
  }
  if (arrivedAt !== undefined && !group.targets.includes(arrivedAt)) {
    throw new ArrayError('EACCES', `port ${arrivedAt} is no target of port group ${group.name}`);
  }
  if (port !== undefined && !group.initiators.includes(port)) {
    throw new ArrayError('EINVAL', `port ${port} is no initiator of port group ${group.name}`);
  }
  return group.initiators;
}
