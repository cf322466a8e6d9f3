/**
 * Hosts: who may send requests through the target ports. A host is the users of this machine that
 * have its uids, or is named. A user is one host at most; who is none is refused.
 */
import { ArrayError } from '../base/errors.js';
import { HOSTS_MAX } from '../base/limits.js';
import { checkName } from '../base/names.js';
import { type Host, lowestFree, type SanConfiguration } from './configuration.js';

const UID_MAX = 0xffff_ffff;

/** Makes the host, or replaces its uids. EBUSY for a uid that is another host's. */
export function setHost(
  san: SanConfiguration,
  name: string,
  uids: readonly number[],
): SanConfiguration {
  checkName(name);
  checkUids(uids);
  const known = findHost(san, name);
  for (const uid of uids) {
    const other = hostOfUid(san, uid);
    if (other !== undefined && other !== known) {
      throw new ArrayError('EBUSY', `user ${uid} is host ${other.name} already`);
    }
  }
  if (known !== undefined) {
    const host = { ...known, uids };
    return { ...san, hosts: san.hosts.map((other) => (other === known ? host : other)) };
  }
  if (san.hosts.length >= HOSTS_MAX) {
    throw new ArrayError('ENOSPC', `there are ${HOSTS_MAX} hosts already`);
  }
  return { ...san, hosts: [...san.hosts, { number: lowestFree(san.hosts), name, uids }] };
}

/** EBUSY while LUNs are mapped for it. */
export function deleteHost(san: SanConfiguration, name: string): SanConfiguration {
  const host = hostNamed(san, name);
  if (san.mappings.some((mapping) => mapping.host === name)) {
    throw new ArrayError('EBUSY', `host ${name} has LUNs: unmap them first`);
  }
  return { ...san, hosts: san.hosts.filter((other) => other !== host) };
}

export function findHost(san: SanConfiguration, name: string): Host | undefined {
  return san.hosts.find((host) => host.name === name);
}

/** ENOENT where there is none. */
export function hostNamed(san: SanConfiguration, name: string): Host {
  const host = findHost(san, name);
  if (host === undefined) throw new ArrayError('ENOENT', `there is no host ${name}`);
  return host;
}

export function hostOfUid(san: SanConfiguration, uid: number): Host | undefined {
  return san.hosts.find((host) => host.uids.includes(uid));
}

/** The host that a caller is; EACCES for one who is none. */
export function hostOfCaller(san: SanConfiguration, uid: number): Host {
  const host = hostOfUid(san, uid);
  if (host === undefined) throw new ArrayError('EACCES', `user ${uid} is no host of this array`);
  return host;
}

function checkUids(uids: readonly number[]): void {
  for (const [index, uid] of uids.entries()) {
    if (!Number.isInteger(uid) || uid < 0 || uid > UID_MAX) {
      throw new ArrayError('EINVAL', `${uid} is not the number of a user`);
    }
    if (uids.indexOf(uid) !== index) throw new ArrayError('EINVAL', `user ${uid} is named twice`);
  }
}
