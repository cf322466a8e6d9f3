/** The handlers of the commands on ports, controllers, port groups, hosts, LUNs and backup devices. */
import type { DiskArray } from '../array/disk-array.js';
import type { TapeLibraryOptions } from '../array/san-contract.js';
import { ArrayError } from '../base/errors.js';
import { parseSize } from '../base/sizes.js';
import { ANY_HOST } from '../san/configuration.js';
import { parseController, parsePort } from '../san/port-id.js';
import { given, type Handler } from './command-handler.js';
import type { ParsedCommand } from './command-parser.js';
import { parseLun, parsePortList, parseUids } from './command-values.js';
import type { SAN_COMMANDS } from './san-command-rows.js';

type SanCommandName = (typeof SAN_COMMANDS)[number]['name'];
type San = DiskArray['san'];
type PortChange = Parameters<San['changePorts']>[1];
type LinkState = NonNullable<PortChange['state']>;
type Ports = Parameters<San['changePorts']>[0];

export const SAN_HANDLERS: Readonly<Record<SanCommandName, Handler>> = {
  async port({ san }, { words, options }) {
    if (options.size === 0) throw new ArrayError('EINVAL', 'give role=, usage= or state=');
    const ports = distinct(words.map(parsePort));
    // The parser lets only the values of the row pass.
    await san.changePorts(ports, Object.fromEntries(options) as PortChange);
    const shown = san.ports().filter(({ id }) => ports.includes(id));
    return shown.map(({ id, role, usage, state }) => `${id} ${role} ${usage} ${state}`).join(', ');
  },

  async controller({ san }, { subject, options }) {
    const state = options.get('state') as LinkState | undefined;
    if (state === undefined) throw new ArrayError('EINVAL', 'missing state=');
    const controller = parseController(subject);
    await san.changeController(controller, state);
    return `controller ${controller} is ${state}`;
  },

  async portgroup({ san }, command) {
    const { subject: name, options } = command;
    if (isDeletion(command)) {
      await san.deleteGroup(name);
      return `deleted port group ${name}`;
    }
    const known = san.groups().find((group) => group.name === name);
    const targets = portsOf(options, 'targets') ?? known?.targets;
    const initiators = portsOf(options, 'initiators') ?? known?.initiators;
    if (targets === undefined || initiators === undefined) {
      throw new ArrayError('EINVAL', 'a new port group needs targets= and initiators=');
    }
    await san.setGroup({ name, targets, initiators });
    return `port group ${name}: ${targets.join(' ')} to ${initiators.join(' ')}`;
  },

  async host({ san }, command) {
    const { subject: name, options } = command;
    if (isDeletion(command)) {
      await san.deleteHost(name);
      return `deleted host ${name}`;
    }
    const uids = options.get('uids');
    if (uids === undefined) throw new ArrayError('EINVAL', 'missing uids=');
    const users = parseUids(uids);
    await san.setHost(name, users);
    return `host ${name}: ${users.length === 0 ? 'no users' : `users ${users.join(' ')}`}`;
  },

  async lun({ san }, { subject, options }) {
    const lun = options.get('lun');
    const which = {
      ...given('ports', portsOf(options, 'ports')),
      ...given('lun', lun === undefined ? undefined : parseLun(lun)),
    };
    if (options.has('delete')) {
      const host = given('host', options.get('host'));
      const count = await san.unmapLuns(subject, { ...which, ...host });
      return `took ${count} LUN mappings of ${subject} away`;
    }
    const { ports = targetPorts(san) } = which;
    const host = options.get('host') ?? ANY_HOST;
    const mapped = await san.mapLun(subject, { ...which, ports, host });
    const places = mapped.map((mapping) => `${mapping.port}/${mapping.lun}`);
    return `${mapped[0]?.copyName} is ${places.join(' ')} for ${host}`;
  },

  async device({ san }, command) {
    const { subject: name, options } = command;
    if (isDeletion(command)) {
      await san.deleteDevice(name);
      return `deleted device ${name}; what is in it stays`;
    }
    const ports = portsOf(options, 'ports');
    const kind = options.get('kind') as Parameters<San['addDevice']>[0]['kind'] | undefined;
    const path = options.get('path');
    if (kind === undefined && path === undefined && ports !== undefined && options.size === 1) {
      return describeDevice(await san.connectDevice(name, ports));
    }
    if (kind === undefined || path === undefined) {
      throw new ArrayError(
        'EINVAL',
        'a new device needs kind= and path=; of others ports= changes',
      );
    }
    const library = libraryOptions(options);
    return describeDevice(
      await san.addDevice({ name, kind, path, ...given('ports', ports) }, library),
    );
  },
};

/** `delete=yes` stands alone. */
function isDeletion({ options }: ParsedCommand): boolean {
  if (!options.has('delete')) return false;
  if (options.size > 1) throw new ArrayError('EINVAL', 'delete= goes with no other option');
  return true;
}

function libraryOptions(options: ParsedCommand['options']): TapeLibraryOptions {
  const number = (name: string) => {
    const text = options.get(name);
    return text === undefined ? undefined : Number(text);
  };
  const capacity = options.get('capacity');
  return {
    ...given('slots', number('slots')),
    ...given('drives', number('drives')),
    ...given('cartridgeBytes', capacity === undefined ? undefined : parseSize(capacity)),
    ...given('prefix', options.get('prefix')),
  };
}

function describeDevice({ name, kind, path, ports }: ReturnType<San['devices']>[number]): string {
  const reached = ports.length === 0 ? 'reached by no port' : `reached by ${ports.join(' ')}`;
  return `device ${name}: ${kind} ${path}, ${reached}`;
}

function portsOf(options: ParsedCommand['options'], name: string): Ports | undefined {
  const text = options.get(name);
  return text === undefined ? undefined : parsePortList(text);
}

function targetPorts(san: San): Ports {
  return san
    .ports()
    .filter(({ role }) => role !== 'initiator')
    .map(({ id }) => id);
}

function distinct<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)];
}
