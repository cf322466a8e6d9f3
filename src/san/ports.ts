/**
 * Ports and controllers: what each may carry at the moment, and the commands that change them. A port
 * carries something where its controller is up, it is up, it has the role, and the user allows the usage.
 */
import { ArrayError } from '../base/errors.js';
import { checkName } from '../base/names.js';
import {
  type Controller,
  controllerStateOf,
  type LinkState,
  type Port,
  type PortRole,
  type PortUsage,
  portOf,
  type SanConfiguration,
} from './configuration.js';
import { type ControllerId, controllerOf, type PortId } from './port-id.js';

/** What a port may be asked to carry: requests of hosts, copy commands, backup data to a device. */
export type PortService = 'online' | 'commands' | 'backup';

const SERVICES: Readonly<Record<PortService, { role: PortRole; usage?: PortUsage }>> = {
  online: { role: 'target', usage: 'online' },
  /** Also at a port for backup only: EXTENDED COPY is how a backup begins. */
  commands: { role: 'target' },
  backup: { role: 'initiator', usage: 'backup' },
};

/** Why a port does not carry something, in the order in which it is looked at. */
export type PortProblem = 'controller-down' | 'port-down' | 'wrong-role' | 'wrong-usage';

export function portProblem(
  san: SanConfiguration,
  id: PortId,
  service: PortService,
): PortProblem | undefined {
  const port = portOf(san, id);
  const { role, usage } = SERVICES[service];
  const down = downProblem(san, id);
  if (down !== undefined) return down;
  if (port.role !== role && port.role !== 'both') return 'wrong-role';
  if (usage !== undefined && port.usage !== usage && port.usage !== 'both') return 'wrong-usage';
  return undefined;
}

/** Why nothing goes through the port. */
export function downProblem(
  san: SanConfiguration,
  id: PortId,
): 'controller-down' | 'port-down' | undefined {
  if (controllerStateOf(san, id) === 'down') return 'controller-down';
  return portOf(san, id).state === 'down' ? 'port-down' : undefined;
}

/** ENXIO where the port cannot carry it now, EACCES where the user does not allow it. */
export function checkPort(san: SanConfiguration, id: PortId, service: PortService): void {
  const problem = portProblem(san, id, service);
  if (problem === undefined) return;
  const text = {
    'controller-down': `controller ${controllerOf(id)} is down`,
    'port-down': `port ${id} is down`,
    'wrong-role': `port ${id} is no ${SERVICES[service].role} port`,
    'wrong-usage': `port ${id} is for ${portOf(san, id).usage} only`,
  }[problem];
  throw new ArrayError(problem === 'wrong-usage' ? 'EACCES' : 'ENXIO', text);
}

export interface PortChange {
  readonly role?: PortRole;
  readonly usage?: PortUsage;
  readonly state?: LinkState;
}

/**
 * EINVAL for an initiator port that nothing may go through, EBUSY where the role is in use: by tasks (`isBusy`), a
 * port group or LUNs. Setting a port down is always possible; its tasks go elsewhere or fail.
 */
export function changePort(
  san: SanConfiguration,
  id: PortId,
  change: PortChange,
  isBusy: boolean,
): SanConfiguration {
  const port = { ...portOf(san, id), ...change };
  if (port.role === 'initiator' && port.usage === 'online') {
    throw new ArrayError(
      'EINVAL',
      `${id} is an initiator port: nothing but backup goes through it`,
    );
  }
  if (port.role !== portOf(san, id).role) {
    if (isBusy) throw new ArrayError('EBUSY', `port ${id} is in use: its role stays`);
    checkRoleUnused(san, port);
  }
  return withPort(san, port);
}

/** All its ports carry nothing while a controller is down; each keeps its own state. */
export function changeController(
  san: SanConfiguration,
  id: ControllerId,
  state: LinkState,
): SanConfiguration {
  if (san.controllers.some((controller) => controller.id === id && controller.state === state)) {
    return san;
  }
  const changed = (controller: Controller) => (controller.id === id ? { id, state } : controller);
  return { ...san, controllers: san.controllers.map(changed) };
}

/** The ports whose zone the device is in are these and no others; none takes it out of all. */
export function setReach(
  san: SanConfiguration,
  device: string,
  ports: readonly PortId[],
): SanConfiguration {
  checkName(device);
  const ofPort = (port: Port): Port => {
    const reached = port.devices.includes(device);
    if (reached === ports.includes(port.id)) return port;
    const others = port.devices.filter((name) => name !== device);
    return { ...port, devices: reached ? others : [...others, device].sort() };
  };
  return { ...san, ports: san.ports.map(ofPort) };
}

export function reaches(san: SanConfiguration, port: PortId, device: string): boolean {
  return portOf(san, port).devices.includes(device);
}

function withPort(san: SanConfiguration, port: Port): SanConfiguration {
  const { role, usage, state } = portOf(san, port.id);
  if (port.role === role && port.usage === usage && port.state === state) return san;
  return { ...san, ports: san.ports.map((other) => (other.id === port.id ? port : other)) };
}

function checkRoleUnused(san: SanConfiguration, { id, role }: Port): void {
  const lost = role === 'both' ? undefined : role === 'target' ? 'initiators' : 'targets';
  if (lost === undefined) return;
  const group = san.groups.find((candidate) => candidate[lost].includes(id));
  if (group !== undefined) {
    throw new ArrayError('EBUSY', `port ${id} is one of the ${lost} of group ${group.name}`);
  }
  if (lost === 'targets' && san.mappings.some(({ port }) => port === id)) {
    throw new ArrayError('EBUSY', `port ${id} has LUNs: unmap them first`);
  }
}
