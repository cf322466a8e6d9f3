/**
 * What /status tells of ports, load, port groups, hosts, LUNs and backup devices ([000] figs. 12 and 13; [002] figs. 5, 8
 * and 12), and the columns of volumes that say where hosts reach them ([004] fig. 7: 372, 373, 374).
 */
import type { DiskArray, VolumeView } from '../array/disk-array.js';
import { formatSize } from '../base/sizes.js';
import { senseText } from '../san/fault-text.js';
import { ratioText, shareText } from '../san/turns.js';
import { count, hidden, plain, rate, time } from './status-columns.js';
import type { Column, Table } from './table-layout.js';

type San = DiskArray['san'];
type PortView = ReturnType<San['ports']>[number];
type DeviceView = ReturnType<San['devices']>[number];
type LunView = ReturnType<San['luns']>[number];
type Group = ReturnType<San['groups']>[number];
type Microprocessor = ReturnType<DiskArray['microprocessors']>[number];
type Fault = San['faults']['list'][number];
type Host = ReturnType<San['hosts']>[number];
type Turns = ReturnType<San['turns']>[number];

const TASKS_SHOWN_MAX = 3;

export const PORTS: Table<PortView> = {
  shape: 'rows',
  columns: [
    plain('PORT', 'port', (port) => port.id),
    plain('ROLE', 'role', (port) => port.role),
    plain('USAGE', 'usage', (port) => port.usage),
    plain('STATE', 'state', (port) => port.condition),
    plain('WWN', 'wwn', (port) => port.wwn),
    list('DEVICES', 'devices', (port) => port.devices),
    {
      header: 'TASKS',
      text: ({ tasks }) => {
        const shown = tasks.slice(0, TASKS_SHOWN_MAX).map(({ kind, peer, step }) => {
          return `${kind} ${peer} (${step})`;
        });
        const more = tasks.length - shown.length;
        return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
      },
      json: ({ tasks }) => ({
        tasks: tasks.map(({ number, kind, peer, step, startedMs }) => {
          return { number, kind, peer, step, startedMs };
        }),
      }),
    },
    hidden(({ controller, state }) => ({ controller, stateSet: state })),
  ],
};

/** A controller, or one of its ports below it. */
export interface LoadRow {
  readonly name: string;
  readonly kind: 'controller' | 'port';
  readonly state: string;
  readonly periodMs: number;
  readonly ios: number;
  readonly transfer: number;
  readonly access: string | null;
  readonly backups: number;
  readonly backupRate: number;
}

export const LOAD: Table<LoadRow> = {
  shape: 'rows',
  columns: [
    plain('NAME', 'name', (row) => row.name),
    plain('STATE', 'state', (row) => row.state),
    count('IOS', 'ios', (row) => row.ios),
    {
      header: 'TRANSFER',
      alignRight: true,
      text: ({ transfer }) => formatSize(transfer),
      json: ({ transfer }) => ({ transferBytes: transfer }),
    },
    plain('ACCESS', 'access', (row) => row.access),
    count('BACKUPS', 'backups', (row) => row.backups),
    rate('BACKUP-RATE', 'backupBytesPerSecond', (row) => row.backupRate),
    hidden(({ kind, periodMs }) => ({ kind, periodMs })),
  ],
};

export function loadRows(san: San): LoadRow[] {
  const { periodMs, ports, controllers } = san.load();
  const views = san.ports();
  return san.controllers().flatMap(({ id, condition }): LoadRow[] => {
    const own = views.filter(({ controller }) => controller === id);
    const backupsOf = ({ tasks }: PortView) =>
      tasks.filter(({ kind }) => kind === 'initiator').length;
    const total = controllers.find(({ controller }) => controller === id);
    const portRows = own.map((view): LoadRow => {
      const load = ports.find(({ port }) => port === view.id);
      return {
        name: view.id,
        kind: 'port',
        state: view.condition,
        periodMs,
        ios: load?.ios ?? 0,
        transfer: load?.transfer ?? 0,
        access: load?.access ?? null,
        backups: backupsOf(view),
        backupRate: san.backupRate(view.id),
      };
    });
    return [
      {
        name: id,
        kind: 'controller',
        state: condition,
        periodMs,
        ios: total?.ios ?? 0,
        transfer: total?.transfer ?? 0,
        access: null,
        backups: own.reduce((sum, view) => sum + backupsOf(view), 0),
        backupRate: portRows.reduce((sum, row) => sum + row.backupRate, 0),
      },
      ...portRows,
    ];
  });
}

/** The shares of online and backup, and what comes of them ([002] fig. 11). */
export const PRIORITY: Table<Turns> = {
  shape: 'rows',
  columns: [
    plain('NAME', 'name', (turns) => turns.name),
    plain('RATIO', 'ratio', ({ rule }) => ratioText(rule) ?? null),
    share('ONLINE', 'online'),
    share('BACKUP', 'backup'),
    rate('ONLINE-RATE', 'onlineBytesPerSecond', ({ rates }) => rates.online),
    rate('BACKUP-RATE', 'backupBytesPerSecond', ({ rates }) => rates.backup),
    plain('WHO-GOES', 'reason', ({ reason }) => reason || null),
  ],
};

function share(header: string, kind: 'online' | 'backup'): Column<Turns> {
  return {
    header,
    text: ({ rule }) => shareText(rule[kind]),
    json: ({ rule }) => ({ [kind]: { ...rule[kind] } }),
  };
}

export const PORT_GROUPS: Table<Group> = {
  shape: 'rows',
  columns: [
    count('NUMBER', 'number', (group) => group.number),
    plain('NAME', 'name', (group) => group.name),
    list('TARGETS', 'targets', (group) => group.targets),
    list('INITIATORS', 'initiators', (group) => group.initiators),
  ],
};

export const HOSTS: Table<Host> = {
  shape: 'rows',
  columns: [
    count('NUMBER', 'number', (host) => host.number),
    plain('NAME', 'name', (host) => host.name),
    {
      header: 'UIDS',
      text: ({ uids }) => uids.join(' '),
      json: ({ uids }) => ({ uids }),
    },
  ],
};

export const LUNS: Table<LunView> = {
  shape: 'rows',
  columns: [
    plain('PORT', 'port', (mapping) => mapping.port),
    count('LUN', 'lun', (mapping) => mapping.lun),
    plain('HOST', 'host', (mapping) => mapping.host),
    count('NUMBER', 'number', (mapping) => mapping.volume),
    plain('NAME', 'name', (mapping) => mapping.copyName ?? null),
  ],
};

export const DEVICES: Table<DeviceView> = {
  shape: 'rows',
  columns: [
    plain('NAME', 'name', (device) => device.name),
    plain('KIND', 'kind', (device) => device.kind),
    plain('STATE', 'state', deviceState),
    time('SEARCHED', 'searched', (device) => device.searches.at(-1)?.atMs),
    list('PORTS', 'ports', (device) => device.ports),
    {
      header: 'MEDIA',
      text: mediaText,
      json: ({ media }) => ({ mediaCount: media?.length ?? null }),
    },
    plain('WWN', 'wwn', (device) => device.wwn),
    plain('PATH', 'path', (device) => device.path),
    hidden(({ number, searches, media }) => ({
      number,
      media: media === undefined ? null : media.map((medium) => ({ ...medium })),
      searches: searches.map(({ port, reason, atMs }) => ({ port, reason, atMs })),
    })),
  ],
};

/** How many, and how many of them have the label of another. */
function mediaText({ media }: DeviceView): string {
  if (media === undefined) return 'unknown (discover)';
  const mislabelled = media.filter(({ labelOf }) => labelOf !== undefined).length;
  return mislabelled === 0 ? `${media.length}` : `${media.length} (${mislabelled} mislabelled)`;
}

/** `available` where the last search through any port found it, else what came of the newest. */
function deviceState({ searches }: DeviceView): string {
  if (searches.some(({ reason }) => reason === 'found')) return 'available';
  return searches.at(-1)?.reason ?? 'unknown';
}

export const MICROPROCESSORS: Table<Microprocessor> = {
  shape: 'rows',
  columns: [
    plain('NAME', 'name', (microprocessor) => microprocessor.name),
    plain('STATE', 'state', (microprocessor) => microprocessor.state),
    plain('JOB', 'job', (microprocessor) => microprocessor.errand ?? null),
    count('STARTS', 'starts', (microprocessor) => microprocessor.starts),
  ],
};

export const FAULTS: Table<Fault> = {
  shape: 'rows',
  columns: [
    count('NUMBER', 'number', (fault) => fault.number),
    plain('TARGET', 'target', ({ target }) => `${target.kind}:${target.name}`),
    plain('FAULT', 'fault', (fault) => fault.kind),
    plain('LEFT', 'left', (fault) => fault.count ?? null),
    count('HITS', 'hits', (fault) => fault.hits),
    {
      header: 'RANGE',
      text: ({ range }) => (range === undefined ? '' : `${range.start}-${range.end}`),
      json: ({ range }) => ({ range: range === undefined ? null : [range.start, range.end] }),
    },
    plain('DELAY', 'delayMs', (fault) => fault.delayMs ?? null),
    plain('SENSE', 'sense', ({ sense }) => (sense === undefined ? null : senseText(sense))),
  ],
};

/** Where hosts reach a volume: interface number, port address and LUN. The text has the first, and how many more there are. */
export function accessColumns(array: DiskArray): readonly Column<VolumeView>[] {
  const places = new Map<number, LunView[]>();
  for (const lun of array.san.luns())
    places.set(lun.volume, [...(places.get(lun.volume) ?? []), lun]);
  const addresses = new Map(array.san.ports().map(({ id, wwn }) => [id, wwn]));
  const first = ({ number }: VolumeView) => places.get(number)?.[0];
  return [
    {
      header: 'INTERFACE',
      text: (volume) => {
        const all = places.get(volume.number) ?? [];
        return all.length > 1 ? `${all[0]?.port} +${all.length - 1}` : `${all[0]?.port ?? '-'}`;
      },
      json: (volume) => ({ interface: first(volume)?.port ?? null }),
    },
    plain('PORT', 'portAddress', (volume) => {
      const place = first(volume);
      return place === undefined ? null : (addresses.get(place.port) ?? null);
    }),
    plain('LUN', 'lun', (volume) => first(volume)?.lun ?? null),
    hidden(({ number }) => ({
      luns: (places.get(number) ?? []).map(({ port, lun, host }) => ({ port, lun, host })),
    })),
  ];
}

/** Names, blanks between them. */
function list<Row>(
  header: string,
  key: string,
  names: (row: Row) => readonly string[],
): Column<Row> {
  return { header, text: (row) => names(row).join(' '), json: (row) => ({ [key]: names(row) }) };
}
