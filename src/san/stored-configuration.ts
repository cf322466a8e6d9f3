/**
 * The way of a configuration into the store and back. Each part is a record of its own, found by kind
 * and two numbers; the formats are in store/san-records.ts, which takes these very objects.
 *
 *    controller   1, 2                      0
 *    port         1 to 8                    0
 *    portGroup    number                    0
 *    host         number                    0
 *    lunMapping   port number x 65,536 + LUN    number of the host, 0 for any
 *    device       number                    0
 *    priority     0                         0
 */
import {
  ANY_HOST,
  type Controller,
  DEVICE_KINDS,
  type Host,
  initialSan,
  LINK_STATES,
  type LunMapping,
  PORT_ROLES,
  PORT_USAGES,
  type Port,
  type PortGroup,
  type SanConfiguration,
  type SanDevice,
} from './configuration.js';
import { CONTROLLER_IDS, isPortId, portNumber } from './port-id.js';
import { isShare, type TurnRule } from './turns.js';

export interface SanRecords {
  readonly controller: Controller;
  readonly port: Port;
  readonly portGroup: PortGroup;
  readonly host: Host;
  readonly lunMapping: LunMapping;
  readonly device: SanDevice;
  readonly priority: TurnRule;
}
export type SanRecordKind = keyof SanRecords;

/** A record to store, or to remove where `value` is undefined. */
export type SanRecordChange = {
  [K in SanRecordKind]: {
    readonly kind: K;
    readonly first: number;
    readonly second: number;
    readonly value: SanRecords[K] | undefined;
  };
}[SanRecordKind];

/** What has to be stored so that `after` is there where `before` was; `before` undefined: all. */
export function changedRecords(
  before: SanConfiguration | undefined,
  after: SanConfiguration,
): SanRecordChange[] {
  const old = before === undefined ? [] : allRecords(before);
  const next = allRecords(after);
  const kept = new Set(next.map(placeOf));
  const known = new Map(old.map((record) => [placeOf(record), record.value]));
  const removed = old
    .filter((record) => !kept.has(placeOf(record)))
    .map((record) => ({ ...record, value: undefined }));
  return [...removed, ...next.filter((record) => known.get(placeOf(record)) !== record.value)];
}

/** As the store gives it back: texts are not checked yet. */
type Stored<T> = {
  readonly [F in keyof T]: T[F] extends string
    ? string
    : T[F] extends readonly string[]
      ? readonly string[]
      : T[F] extends object
        ? Stored<T[F]>
        : T[F];
};
export type StoredSan = {
  readonly [K in SanRecordKind]: readonly Stored<SanRecords[K]>[];
};

export interface RestoredSan {
  readonly san: SanConfiguration;
  /** What was not understood and left out, one line each: of a newer program, or lost. */
  readonly problems: readonly string[];
}

/** The configuration of the records; what has none is as in a new array. */
export function restoreSan(stored: StoredSan, mountingUid: number): RestoredSan {
  const initial = initialSan(mountingUid);
  const problems: string[] = [];
  const sound = <T, S>(what: string, records: readonly S[], isSound: (record: S) => boolean) =>
    records.filter((record) => {
      if (!isSound(record)) problems.push(`${what} ${JSON.stringify(record)} is not understood`);
      return isSound(record);
    }) as unknown as T[];
  const controllers = sound<Controller, Stored<Controller>>(
    'controller',
    stored.controller,
    ({ id, state }) => isOf(CONTROLLER_IDS, id) && isOf(LINK_STATES, state),
  );
  const ports = sound<Port, Stored<Port>>('port', stored.port, isPort);
  const groups = sound<PortGroup, Stored<PortGroup>>('port group', stored.portGroup, (group) =>
    [...group.targets, ...group.initiators].every(isPortId),
  );
  const names = new Set([ANY_HOST, ...stored.host.map(({ name }) => name)]);
  const mappings = sound<LunMapping, Stored<LunMapping>>(
    'LUN mapping',
    stored.lunMapping,
    ({ port, host }) => isPortId(port) && names.has(host),
  );
  const devices = sound<SanDevice, Stored<SanDevice>>('device', stored.device, ({ kind }) =>
    isOf(DEVICE_KINDS, kind),
  );
  const priorities = sound<TurnRule, Stored<TurnRule>>('priority', stored.priority, (rule) =>
    [rule.online, rule.backup].every(isShare),
  );
  const byId = <T extends { readonly id: string }>(known: readonly T[], found: readonly T[]) =>
    known.map((part) => found.find(({ id }) => id === part.id) ?? part);
  const san = {
    controllers: byId(initial.controllers, controllers),
    ports: byId(initial.ports, ports),
    groups,
    // Only an array that has never stored anything has the first host by itself.
    hosts: stored.port.length === 0 ? initial.hosts : stored.host,
    mappings,
    devices,
    priority: priorities[0] ?? initial.priority,
  };
  return { san, problems };
}

function allRecords(san: SanConfiguration): SanRecordChange[] {
  const hostNumbers = new Map(san.hosts.map(({ name, number }) => [name, number]));
  const numbered = <K extends SanRecordKind, T extends { readonly number: number }>(
    kind: K,
    values: readonly T[],
  ) => values.map((value) => ({ kind, first: value.number, second: 0, value }));
  const controllers = san.controllers.map((value, index) => {
    return { kind: 'controller' as const, first: index + 1, second: 0, value };
  });
  const ports = san.ports.map((value) => {
    return { kind: 'port' as const, first: portNumber(value.id), second: 0, value };
  });
  const mappings = san.mappings.map((value) => ({
    kind: 'lunMapping' as const,
    first: portNumber(value.port) * 2 ** 16 + value.lun,
    second: hostNumbers.get(value.host) ?? 0,
    value,
  }));
  return [
    ...controllers,
    ...ports,
    ...numbered('portGroup' as const, san.groups),
    ...numbered('host' as const, san.hosts),
    ...mappings,
    ...numbered('device' as const, san.devices),
    { kind: 'priority', first: 0, second: 0, value: san.priority },
  ];
}

const placeOf = ({ kind, first, second }: SanRecordChange) => `${kind}/${first}/${second}`;

function isOf(values: readonly string[], text: string): boolean {
  return values.includes(text);
}

function isPort({ id, role, usage, state }: Stored<Port>): boolean {
  const isKnown = isOf(PORT_ROLES, role) && isOf(PORT_USAGES, usage) && isOf(LINK_STATES, state);
  return isPortId(id) && isKnown;
}
