/**
 * Port groups ([000] figs. 8 and 13): an EXTENDED COPY command that comes through a target port of a
 * group is carried out by the group's initiator ports, and by no other. A target port is in one group at most,
 * so that the port of a command names its group; an initiator port may be in several.
 */
import { ArrayError } from '../base/errors.js';
import { PORT_GROUPS_MAX } from '../base/limits.js';
import { checkName } from '../base/names.js';
import { lowestFree, type PortGroup, portOf, type SanConfiguration } from './configuration.js';
import type { PortId } from './port-id.js';

export type PortGroupChange = Omit<PortGroup, 'number'>;

/** Makes the group, or replaces its ports. EINVAL for a wrong role, EBUSY for another's target. */
export function setGroup(san: SanConfiguration, change: PortGroupChange): SanConfiguration {
  const { name, targets, initiators } = change;
  checkName(name);
  checkMembers(san, name, 'target', targets);
  checkMembers(san, name, 'initiator', initiators);
  const known = findGroup(san, name);
  for (const port of targets) {
    const other = groupOfTarget(san, port);
    if (other !== undefined && other !== known) {
      throw new ArrayError('EBUSY', `port ${port} is a target of group ${other.name} already`);
    }
  }
  if (known !== undefined) {
    const group = { ...known, targets, initiators };
    return { ...san, groups: san.groups.map((other) => (other === known ? group : other)) };
  }
  if (san.groups.length >= PORT_GROUPS_MAX) {
    throw new ArrayError('ENOSPC', `there are ${PORT_GROUPS_MAX} port groups already`);
  }
  const group = { number: lowestFree(san.groups), name, targets, initiators };
  return { ...san, groups: [...san.groups, group] };
}

/** EBUSY where a job uses it. */
export function deleteGroup(
  san: SanConfiguration,
  name: string,
  isBusy: boolean,
): SanConfiguration {
  const group = groupNamed(san, name);
  if (isBusy) throw new ArrayError('EBUSY', `port group ${name} is in use`);
  return { ...san, groups: san.groups.filter((other) => other !== group) };
}

export function findGroup(san: SanConfiguration, name: string): PortGroup | undefined {
  return san.groups.find((group) => group.name === name);
}

/** ENOENT where there is none. */
export function groupNamed(san: SanConfiguration, name: string): PortGroup {
  const group = findGroup(san, name);
  if (group === undefined) throw new ArrayError('ENOENT', `there is no port group ${name}`);
  return group;
}

/** The group that a command belongs to which came through this port. */
export function groupOfTarget(san: SanConfiguration, port: PortId): PortGroup | undefined {
  return san.groups.find((group) => group.targets.includes(port));
}

function checkMembers(
  san: SanConfiguration,
  name: string,
  role: 'target' | 'initiator',
  ports: readonly PortId[],
): void {
  if (ports.length === 0) {
    throw new ArrayError('EINVAL', `port group ${name} has no ${role} port: it needs one at least`);
  }
  for (const [index, port] of ports.entries()) {
    const own = portOf(san, port).role;
    if (own !== role && own !== 'both') {
      throw new ArrayError('EINVAL', `port ${port} is no ${role} port: change its role first`);
    }
    if (ports.indexOf(port) !== index) {
      throw new ArrayError('EINVAL', `port ${port} is named twice in group ${name}`);
    }
  }
}
