/** What each command on ports, hosts, LUNs and devices does to an array and what it answers. */
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeArray } from './fake-array.js';
import { runOn } from './run-command.js';

let array: FakeArray;
const run = (name: string, line: string) => runOn(array, name, line);

beforeEach(async () => {
  array = new FakeArray();
  await run('create', 'db 1G');
  await run('snapshot', 'db name=monday');
  await run('portgroup', 'g1 targets=CL1-A,CL2-A initiators=CL1-C,CL2-C');
  await run('host', 'alpha uids=7');
  await run('device', 'tape0 kind=tape path=/srv/tapes ports=CL1-C');
});

describe('runCommand', () => {
  it.each([
    ['port', 'CL1-B role=both usage=online', 'CL1-B both online up'],
    [
      'port',
      'CL2-D CL1-D CL2-D state=down',
      'CL1-D initiator both down, CL2-D initiator both down',
    ],
    ['port', 'CL1-B', /EINVAL: give role=/],
    ['port', 'CL1-E state=up', /ENOENT: there is no port/],
    ['port', 'CL1-A role=mirror', /EINVAL: role= is one of target initiator both/],
    ['port', 'CL1-B CL1-A role=initiator', /EBUSY: port CL1-A is one of the targets of group g1/],
    ['port', 'CL1-C usage=online', /EINVAL: CL1-C is an initiator port/],
    ['controller', 'CL2 state=down', 'controller CL2 is down'],
    ['controller', 'CL2', /EINVAL: missing state=/],
    ['controller', 'CL3 state=up', /ENOENT: there is no controller/],
    ['priority', 'ratio=1:1', 'online 4 ms, backup 4 ms a turn'],
    ['priority', 'ratio=10:1 per=amount', 'online 2560 KiB, backup 256 KiB a turn'],
    ['priority', 'online=2s backup=1M', 'online 2000 ms, backup 1024 KiB a turn'],
    ['priority', 'backup=512K', 'online 40 ms, backup 512 KiB a turn'],
    ['priority', 'ratio=0:1', /EINVAL: '0:1' is no ratio/],
    ['priority', 'ratio=1:1 backup=1M', /EINVAL: give ratio=/],
    ['priority', 'backup=1M per=time', /EINVAL: give ratio=/],
    ['priority', 'per=time', /EINVAL: give ratio=/],
    ['priority', 'online=2G', /EINVAL: a share is at least 1/],
    ['priority', 'online=61s', /EINVAL: a share is at least 1/],
    ['priority', 'online=soon', /EINVAL/],
    ['portgroup', 'g1 initiators=CL2-D', 'port group g1: CL1-A CL2-A to CL2-D'],
    ['portgroup', 'g2 targets=CL1-B initiators=CL1-C', 'port group g2: CL1-B to CL1-C'],
    ['portgroup', 'g2 targets=CL1-B', /EINVAL: a new port group needs/],
    ['portgroup', 'g2 targets=CL1-A initiators=CL1-C', /EBUSY: port CL1-A is a target of group g1/],
    ['portgroup', 'g2 targets=none initiators=CL1-C', /EINVAL: port group g2 has no target port/],
    ['portgroup', 'g1 delete=yes', 'deleted port group g1'],
    ['portgroup', 'g1 delete=yes targets=CL1-A', /EINVAL: delete= goes with no other/],
    ['portgroup', 'g2 delete=yes', /ENOENT/],
    ['host', 'beta uids=1,2', 'host beta: users 1 2'],
    ['host', 'alpha uids=none', 'host alpha: no users'],
    ['host', 'beta uids=7', /EBUSY: user 7 is host alpha already/],
    ['host', 'beta uids=root', /EINVAL: 'root' is not the number of a user/],
    ['host', 'beta', /EINVAL: missing uids=/],
    ['host', 'any uids=3', /EINVAL: 'any' is a reserved word/],
    ['host', 'alpha delete=yes', 'deleted host alpha'],
    ['lun', 'db', 'db is CL1-A/0 CL1-B/0 CL2-A/0 CL2-B/0 for any'],
    ['lun', 'db@monday ports=CL1-A lun=9 host=alpha', 'db@monday is CL1-A/9 for alpha'],
    ['lun', '#2 ports=CL1-A', 'db@monday is CL1-A/0 for any'],
    ['lun', 'db ports=CL1-C', /EINVAL: port CL1-C is an initiator port/],
    ['lun', 'db ports=CL1-A lun=16384', /EINVAL: 16384 is no LUN/],
    ['lun', 'db ports=CL1-A lun=x', /EINVAL: 'x' is no LUN/],
    ['lun', 'db host=gamma', /ENOENT: there is no host gamma/],
    ['lun', 'none-such', /ENOENT/],
    ['lun', 'db delete=yes', /ENOENT: db has no such LUN/],
    ['device', 'disk0 kind=disk path=/b', /^device disk0: disk \/b, reached by CL1-C CL1-D CL2-C/],
    ['device', 'disk0 kind=disk path=/b ports=none', 'device disk0: disk /b, reached by no port'],
    ['device', 'tape0 ports=CL2-C', 'device tape0: tape /srv/tapes, reached by CL2-C'],
    ['device', 'tape0 ports=CL2-A', /EINVAL: port CL2-A is no initiator port/],
    ['device', 'tape0 kind=tape path=/srv/tapes', /EEXIST: device tape0 exists/],
    ['device', 'tape1 kind=tape path=/srv/tapes', /EEXIST: \/srv\/tapes is device tape0/],
    ['device', 'tape1 kind=tape', /EINVAL: a new device needs kind= and path=/],
    ['device', 'tape0 slots=9', 'device tape0: tape /srv/tapes, reached by CL1-C, 9 slots'],
    ['device', 'tape0 slots=9 ports=CL1-C', /EINVAL: a new device needs/],
    ['device', 'tape1 slots=9', /ENOENT: there is no device tape1/],
    ['device', 'tape1 kind=tape path=srv', /EINVAL: a path is named from/],
    ['device', 'tape1 kind=tape path=/t slots=many', /EINVAL: slots= takes a number/],
    ['device', 'tape1 ports=CL2-C', /ENOENT: there is no device tape1/],
    ['device', 'tape0 delete=yes', 'deleted device tape0; what is in it stays'],
    ['discover', '', 'job 1 discover all'],
    ['discover', 'tape0 disk0', 'job 1 discover tape0 disk0'],
    ['fault', 'volume:db EIO count=3', 'fault 1: EIO at volume:db, 3 times'],
    ['fault', 'volume:db damaged range=16K-32K', 'fault 1: damaged at volume:db, in 16384-32768'],
    ['fault', 'pool:pool0 delay delay=2s', 'fault 1: delay of 2000 ms at pool:pool0'],
    ['fault', 'device:tape0 sense sense=3/11/0', 'fault 1: sense 03/11/00 at device:tape0'],
    ['fault', 'microprocessor:CL2-M1 killed count=1', /^fault 1: killed/],
    ['fault', 'controller:CL1 down', 'fault 1: down at controller:CL1'],
    ['fault', 'volume:none-such EIO', /ENOENT/],
    ['fault', 'pool:p9 EIO', /ENOENT: no pool p9/],
    ['fault', 'device:d9 EIO', /ENOENT: there is no device d9/],
    ['fault', 'microprocessor:CL3-M0 down', /ENOENT: there is no microprocessor CL3-M0/],
    ['fault', 'port:CL1-A damaged', /EINVAL: a port has no fault damaged/],
    ['fault', 'volume:db delay', /EINVAL: delay= goes with the fault delay/],
    ['fault', 'volume:db EIO count=0', /EINVAL: a fault happens once at least/],
    ['fault', 'volume:db', /EINVAL: missing FAULT/],
    ['fault', 'volume:db eio', /EINVAL: a fault is one of EIO delay/],
    ['fault', 'db EIO', /EINVAL: 'db' is not a target of faults/],
    ['fault', 'all EIO', /EINVAL: 'all' is no target/],
    ['fault', 'all clear=yes', 'cleared 0 faults'],
    ['fault', '1 clear=yes', /ENOENT: there is no fault 1/],
    ['fault', 'all EIO clear=yes', /EINVAL: unexpected word/],
    ['fault', 'all clear=yes count=1', /EINVAL: clear= goes with no other option/],
  ])('%s %j answers %s', async (name, line, answer) => {
    if (typeof answer === 'string') expect(await run(name, line)).toBe(answer);
    else expect(await run(name, line)).toMatch(answer);
  });

  it('takes away the LUNs that the options describe', async () => {
    await run('lun', 'db');
    await run('lun', 'db ports=CL1-A lun=5 host=alpha');
    expect(await run('lun', 'db ports=CL1-A,CL1-B lun=0 delete=yes')).toBe(
      'took 2 LUN mappings of db away',
    );
    expect(await run('lun', 'db host=alpha delete=yes')).toBe('took 1 LUN mappings of db away');
    expect(array.san.luns().map(({ port, lun }) => [port, lun])).toEqual([
      ['CL2-A', 0],
      ['CL2-B', 0],
    ]);
  });

  it('clears faults by number, of a target, or all', async () => {
    for (const kind of ['EIO', 'hang', 'damaged']) await run('fault', `volume:db ${kind}`);
    await run('fault', 'port:CL1-A down');
    expect(await run('fault', '2 clear=yes')).toBe('cleared 1 fault');
    expect(await run('fault', 'volume:db clear=yes')).toBe('cleared 2 faults');
    expect(array.san.faults.list.map(({ number }) => number)).toEqual([4]);
    expect(await run('fault', 'all clear=yes')).toBe('cleared 1 fault');
  });

  it('refuses to change anything of an array that is mounted read-only', async () => {
    array = new FakeArray(true);
    for (const [name, line] of [
      ['port', 'CL1-A state=down'],
      ['host', 'beta uids=1'],
      ['device', 'disk0 kind=disk path=/b'],
    ] as const) {
      expect(await run(name, line)).toMatch(/EROFS/);
    }
  });
});
