/** The handlers of the commands on ports, controllers, port groups, hosts, LUNs, backup devices and faults. */
import type { DiskArray } from '../array/disk-array.js';
import type { TapeLibraryOptions } from '../array/san-contract.js';
import { ArrayError } from '../base/errors.js';
import { parseSize } from '../base/sizes.js';
import { ANY_HOST } from '../san/configuration.js';
import { describeFault, parseDelay, parseFaultRange, parseFaultSense } from '../san/fault-text.js';
import { parseFaultTarget } from '../san/faults.js';
import { parseController, parsePort } from '../san/port-id.js';
import { FIRST_RULE, parseShare, ratioRule, shareText, type TurnRule } from '../san/turns.js';
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
    const state = options.get('state') as LinkState;
    const controller = parseController(subject);
    await san.changeController(controller, state);
    return `controller ${controller} is ${state}`;
  },

  async portgroup({ san }, command) {
    const { subject: name, options } = command;
    if (isAlone(command, 'delete')) {
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
    if (isAlone(command, 'delete')) {
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
    if (isAlone(command, 'delete')) {
      await san.deleteDevice(name);
      return `deleted device ${name}; what is in it stays`;
    }
    const ports = portsOf(options, 'ports');
    const kind = options.get('kind') as Parameters<San['addDevice']>[0]['kind'] | undefined;
    const path = options.get('path');
    if (kind === undefined && path === undefined && ports !== undefined && options.size === 1) {
      return describeDevice(await san.connectDevice(name, ports));
    }
    const library = libraryOptions(options);
    if (library.slots !== undefined && options.size === 1) {
      return `${describeDevice(await san.addSlots(name, library.slots))}, ${library.slots} slots`;
    }
    if (kind === undefined || path === undefined) {
      throw new ArrayError(
        'EINVAL',
        'a new device needs kind= and path=; of others ports= or slots= changes',
      );
    }
    return describeDevice(
      await san.addDevice({ name, kind, path, ...given('ports', ports) }, library),
    );
  },

  async priority({ san }, { options }) {
    const rule = ruleOf(options, san.turns()[0]?.rule ?? FIRST_RULE);
    await san.setPriority(rule);
    return `online ${shareText(rule.online)}, backup ${shareText(rule.backup)} a turn`;
  },

  async discover(array, { words, options }) {
    const medium = options.get('medium');
    if (medium !== undefined && !options.has('backups')) {
      throw new ArrayError('EINVAL', 'medium= is for backups=yes');
    }
    const listing = options.has('backups') ? given('medium', medium) : undefined;
    const job = await array.discover(words, listing);
    return `job ${job.id} discover ${job.subject}`;
  },

  async fault({ san }, command) {
    const { words, options } = command;
    const [target = '', kind] = words;
    if (isAlone(command, 'clear')) {
      if (kind !== undefined) throw new ArrayError('EINVAL', `unexpected word '${kind}'`);
      const count = san.clearFaults(faultsNamed(target));
      return count === 1 ? 'cleared 1 fault' : `cleared ${count} faults`;
    }
    if (kind === undefined) throw new ArrayError('EINVAL', 'missing FAULT, or clear=yes');
    const parsed = <T>(name: string, parse: (text: string) => T) => {
      const text = options.get(name);
      return text === undefined ? undefined : parse(text);
    };
    const fault = san.setFault({
      target: parseFaultTarget(target),
      // The parser lets no other kind through.
      kind: kind as Parameters<San['setFault']>[0]['kind'],
      ...given('count', parsed('count', Number)),
      ...given('range', parsed('range', parseFaultRange)),
      ...given('delayMs', parsed('delay', parseDelay)),
      ...given('sense', parsed('sense', parseFaultSense)),
    });
    return `fault ${fault.number}: ${describeFault(fault)}`;
  },
};

/** Either a ratio, or shares; one that is not given stays. */
function ruleOf(options: ParsedCommand['options'], present: TurnRule): TurnRule {
  const [ratio, online, backup] = ['ratio', 'online', 'backup'].map((name) => options.get(name));
  const isOfShares = online !== undefined || backup !== undefined;
  if ((ratio === undefined) !== isOfShares || (isOfShares && options.has('per'))) {
    throw new ArrayError('EINVAL', 'give ratio= (and per=), or online= and backup=');
  }
  if (ratio !== undefined)
    return ratioRule(ratio, options.get('per') === 'amount' ? 'bytes' : 'ms');
  return {
    online: online === undefined ? present.online : parseShare(online),
    backup: backup === undefined ? present.backup : parseShare(backup),
  };
}

/** `delete=yes` or `clear=yes` stands alone. */
function isAlone({ options }: ParsedCommand, name: string): boolean {
  if (!options.has(name)) return false;
  if (options.size > 1) throw new ArrayError('EINVAL', `${name}= goes with no other option`);
  return true;
}

function faultsNamed(text: string): Parameters<San['clearFaults']>[0] {
  if (text === 'all') return text;
  return /^\d+$/.test(text) ? Number(text) : parseFaultTarget(text);
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
