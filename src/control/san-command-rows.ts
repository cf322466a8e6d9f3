/**
 * The rows of the command table that are about ports, controllers, port groups, hosts, LUNs, backup devices and faults. Each
 * row makes, changes and deletes what it is about.
 */
import {
  ANY_HOST,
  DEVICE_KINDS,
  LINK_STATES,
  PORT_ROLES,
  PORT_USAGES,
} from '../san/configuration.js';
import { FAULT_KINDS } from '../san/faults.js';
import { COPY, type CommandOption, type CommandRow } from './command-row.js';

const PORTS: CommandOption = { name: 'ports', kind: 'ports', help: 'ports, separated by commas' };
const DELETE: CommandOption = { name: 'delete', kind: 'yes', help: 'delete it' };
const STATE: CommandOption = {
  name: 'state',
  kind: 'text',
  values: LINK_STATES,
  help: 'whether anything goes through it',
};

export const SAN_COMMANDS = [
  {
    name: 'port',
    group: 'san',
    verb: 'port',
    words: [{ name: 'PORT', kind: 'port', repeat: true, help: 'CL1-A to CL2-D' }],
    options: [
      { name: 'role', kind: 'text', values: PORT_ROLES, help: 'who the port talks to' },
      { name: 'usage', kind: 'text', values: PORT_USAGES, help: 'what it may carry' },
      STATE,
    ],
    summary: 'set role, usage and state of ports',
    description: [
      'A target port takes requests and commands of hosts, an initiator port goes to backup devices.',
      'Online requests do not pass a target port of usage=backup, backup data does not pass an',
      'initiator port of usage=online. A role in use is EBUSY; state=down is always possible: what goes',
      'through the port goes on through another one, or fails.',
    ],
    examples: [
      { line: 'CL1-B role=both usage=both', meaning: 'online and backup in turns, on one port' },
      { line: 'CL1-C CL2-C state=down', meaning: 'as if the cables were pulled' },
    ],
    changesArray: true,
  },
  {
    name: 'controller',
    group: 'san',
    verb: 'controller',
    words: [{ name: 'CONTROLLER', kind: 'controller', help: 'CL1 or CL2' }],
    options: [{ ...STATE, required: true }],
    summary: 'set a controller up or down',
    description: [
      'With state=down nothing goes through its ports, and its microprocessors take no work; backups',
      'go on in the other controller. Its ports keep their own state.',
    ],
    examples: [
      { line: 'CL2 state=down', meaning: 'what it did is done by CL1' },
      { line: 'CL2 state=up', meaning: 'it is there again' },
    ],
    changesArray: true,
  },
  {
    name: 'portgroup',
    group: 'san',
    verb: 'portgroup',
    words: [{ name: 'GROUP', kind: 'port-group', help: 'the name of a port group' }],
    options: [
      { name: 'targets', kind: 'ports', help: 'target ports, separated by commas' },
      { name: 'initiators', kind: 'ports', help: 'initiator ports, in the order of the search' },
      DELETE,
    ],
    summary: 'make, change or delete a port group',
    description: [
      'A copy command that comes through one of the targets is carried out by the initiators, and by no',
      'other port. A target port is in one group at most. What is not named stays as it was.',
    ],
    examples: [
      {
        line: 'g1 targets=CL1-A,CL2-A initiators=CL1-C,CL2-C',
        meaning: 'makes the group, or replaces its ports',
      },
      { line: 'g1 initiators=CL2-C', meaning: 'its targets stay' },
      { line: 'g1 delete=yes', meaning: 'its ports are in no group any more' },
    ],
    changesArray: true,
  },
  {
    name: 'host',
    group: 'san',
    verb: 'host',
    words: [{ name: 'HOST', kind: 'host', help: 'the name of a host' }],
    options: [
      { name: 'uids', kind: 'uids', help: 'numbers of the users that are this host, or none' },
      DELETE,
    ],
    summary: 'make, change or delete a host',
    description: [
      'A host is who sends requests through target ports: the users of this machine with these numbers.',
      'A user who is no host is refused there. A host with LUNs is not deleted (EBUSY).',
    ],
    examples: [
      { line: 'alpha uids=1000,1001', meaning: 'what these users do at a port is done by alpha' },
      { line: 'alpha uids=none', meaning: 'nobody is alpha, its LUNs stay' },
      { line: 'alpha delete=yes', meaning: 'its users are no host any more' },
    ],
    changesArray: true,
  },
  {
    name: 'lun',
    group: 'san',
    verb: 'lun',
    words: [COPY],
    options: [
      { ...PORTS, help: 'target ports, separated by commas; default: all' },
      { name: 'lun', kind: 'lun', help: 'its number; default: the lowest free at all these ports' },
      { name: 'host', kind: 'host-or-any', help: `who sees it; default: ${ANY_HOST}` },
      { ...DELETE, help: 'take such mappings away' },
    ],
    summary: 'give a volume or snapshot a number at target ports',
    description: [
      'It is targets/PORT/LUN then, for the host alone or for any. A LUN for one host hides that of the',
      'same number for any. With delete=yes all mappings of the copy are taken away that the other',
      'options describe. Deleting a volume or snapshot takes its mappings away.',
    ],
    examples: [
      {
        line: 'db ports=CL1-A,CL2-A',
        meaning: 'for any host, under the lowest number free at both',
      },
      { line: 'db ports=CL1-A lun=3 host=alpha', meaning: 'targets/CL1-A/3, seen by alpha alone' },
      { line: 'db host=alpha delete=yes', meaning: 'alpha sees it no more' },
    ],
    changesArray: true,
  },
  {
    name: 'device',
    group: 'san',
    verb: 'device',
    words: [{ name: 'DEVICE', kind: 'device', help: 'the name of a backup device' }],
    options: [
      { name: 'kind', kind: 'text', values: DEVICE_KINDS, help: 'what it is, of a new one' },
      {
        name: 'path',
        kind: 'path',
        help: 'library directory, file or block device, or mount point',
      },
      {
        name: 'slots',
        kind: 'number',
        help: 'cartridges of a new library, default 8; or more of one',
      },
      { name: 'drives', kind: 'number', help: 'how many are in use at one time; default 2' },
      { name: 'capacity', kind: 'size', help: 'of each cartridge of a new library; default 100G' },
      { name: 'prefix', kind: 'text', help: 'barcodes are this and a number; default AFS' },
      { ...PORTS, help: 'initiator ports that reach it, or none; of a new one default: all' },
      { ...DELETE, help: 'forget it; what is in it stays' },
    ],
    summary: 'define, change or forget a backup device',
    description: [
      'kind=tape is a directory with cartridges, made where there is none; kind=disk a file or block',
      'device; kind=array another mounted array. It must be there, and may not lie on this array. The',
      'ports are its zone: which initiator ports reach it. EBUSY while it is in use.',
    ],
    examples: [
      {
        line: 'tape0 kind=tape path=/srv/tapes slots=8 ports=CL1-C,CL2-C',
        meaning: 'a tape library, made unless there is one',
      },
      { line: 'disk0 kind=disk path=/backup/db.img', meaning: 'a file, reached by every port' },
      { line: 'tape0 ports=CL1-C,CL1-D', meaning: 'other ports reach it from now on' },
      { line: 'tape0 slots=12', meaning: 'more slots, with empty cartridges in them' },
      { line: 'tape0 delete=yes', meaning: 'the cartridges stay where they are' },
    ],
    changesArray: true,
  },
  {
    name: 'priority',
    group: 'san',
    verb: 'priority',
    words: [],
    options: [
      { name: 'ratio', kind: 'text', help: 'of online to backup, 1:1000 to 1000:1' },
      {
        name: 'per',
        kind: 'text',
        values: ['time', 'amount'],
        help: 'what the ratio is of; default time',
      },
      { name: 'online', kind: 'text', help: 'what hosts have in a turn: 40ms, or 256K' },
      { name: 'backup', kind: 'text', help: 'what backups have in a turn' },
    ],
    summary: 'set how requests of hosts and backup data share the array',
    description: [
      'Both go in turns while both are there. A ratio per=time gives each so many times 4 ms, per=amount',
      'so many times 256 KiB; online= and backup= give a time or an amount to each. It holds at once, for',
      'backups that run too, and after the next mount; a new array has 10:1 of time. status/priority has',
      'the rates and who goes.',
    ],
    examples: [
      { line: 'ratio=1:1', meaning: 'as much time for backups as for hosts' },
      { line: 'ratio=10:1 per=amount', meaning: 'a tenth of what hosts read and write' },
      {
        line: 'online=100ms backup=1M',
        meaning: 'a time for hosts alone, then an amount of backup',
      },
    ],
    changesArray: true,
  },
  {
    name: 'discover',
    group: 'san',
    verb: 'discover',
    words: [{ name: 'DEVICE', kind: 'device', repeat: true, optional: true, help: 'default: all' }],
    options: [
      { name: 'backups', kind: 'yes', help: 'also read which backups are on the cartridges' },
      { name: 'medium', kind: 'text', help: 'with backups=yes: of this cartridge alone' },
    ],
    summary: 'ask backup devices whether they are there, as a job',
    description: [
      'Each is asked through every initiator port in whose zone it is, one after the other. What came of',
      'it is shown by status/devices. With backups=yes each cartridge of a tape library is loaded in turn',
      'and its labels are read: status/backups shows which backups it has.',
    ],
    examples: [
      { line: '', meaning: 'an empty line: all devices' },
      { line: 'tape0 backups=yes', meaning: 'and what is on its cartridges' },
      { line: 'tape0', meaning: 'this one alone' },
    ],
    changesArray: false,
  },
  {
    name: 'fault',
    group: 'san',
    verb: 'fault',
    words: [
      { name: 'TARGET', kind: 'fault-target', help: 'KIND:NAME; to clear also a number, or all' },
      { name: 'FAULT', kind: 'fault', optional: true, help: `one of ${FAULT_KINDS.join(' ')}` },
    ],
    options: [
      { name: 'count', kind: 'number', help: 'times it happens; default until it is cleared' },
      { name: 'range', kind: 'range', help: 'START-END, bytes of the image; default anywhere' },
      { name: 'delay', kind: 'delay', help: 'of the fault delay: milliseconds, or as 2s' },
      { name: 'sense', kind: 'sense', help: 'of the fault sense: KEY/ASC/ASCQ, as in 3/11/00' },
      { name: 'clear', kind: 'yes', help: 'clear a fault by number, those of a target, or all' },
    ],
    summary: 'set or clear a fault, to see how programs bear it',
    description: [
      'Only on an array that was mounted with --allow-faults (else EPERM). Targets are volume:NAME,',
      'pool:NAME, port:CL1-A, controller:CL1, microprocessor:CL1-M0 and device:NAME. A request fails',
      '(EIO), waits (delay) or hangs until the fault is cleared; a block reads as damaged; a device',
      'answers with sense data; a microprocessor is killed; a port, controller or device is down.',
      'status/faults lists what is set. Nothing of it lasts longer than the mount.',
    ],
    examples: [
      { line: 'volume:db EIO count=3', meaning: 'the next three requests fail' },
      { line: 'volume:db damaged range=16K-32K', meaning: 'reads of that block fail' },
      { line: 'device:tape0 sense count=1 sense=3/11/00', meaning: 'an unrecovered read error' },
      { line: 'port:CL1-C delay delay=50', meaning: 'each step through the port takes 50 ms more' },
      { line: 'volume:db clear=yes', meaning: 'the volume has no fault any more' },
      { line: 'all clear=yes', meaning: 'neither has anything else' },
    ],
    changesArray: false,
  },
] as const satisfies readonly CommandRow[];
