/**
 * Notices to the kernel wait for locks of directories and pages that requests hold. So many programs do
 * everything that takes such locks with one volume, while commands change it: all must end.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { repeat } from '../support/factor.js';
import { MountedArray, overKernel } from '../support/mounted-array.js';
import { doneLater } from '../support/programs.js';
import { cleanScratch } from '../support/scratch-directory.js';

const ROUNDS = repeat(10);

/** What one round of each program does; refusals are part of the game, anything else is not. */
const PROGRAMS: Readonly<Record<string, string>> = {
  truncates: 'os.truncate(image(), chance.randrange(1 << 20, 4 << 20, 4096))',
  resizes:
    'fd = open_image(); os.ftruncate(fd, chance.randrange(1 << 20, 4 << 20, 512)); os.close(fd)',
  'writes a mapping': `
    fd = open_image(); area = mmap.mmap(fd, 1 << 20)
    for _ in range(30):
        at = chance.randrange(0, (1 << 20) - 4096); area[at:at + 4096] = b'm' * 4096
    if number % 2: area.flush()
    area.close(); os.close(fd)`,
  writes: `
    fd = open_image()
    for _ in range(10): os.pwrite(fd, b'w' * chance.randrange(1, 300000), chance.randrange(0, 1 << 20))
    os.fsync(fd); os.close(fd)`,
  reads: "with open(image(), 'rb') as file: file.read()",
  punches:
    "subprocess.run(['fallocate', '-p', '-l', '300000', image()], stderr=subprocess.DEVNULL)",
  'changes modes': 'os.chmod(image(), chance.choice([0o600, 0o640]))',
  moves:
    "os.rename(f'{m}/volumes/s', f'{m}/volumes/s2'); os.rename(f'{m}/volumes/s2', f'{m}/volumes/s')",
  'makes and removes': `
    with open(f'{m}/volumes/t', 'wb') as file: file.write(b'x' * 100000)
    os.unlink(f'{m}/volumes/t')`,
  lists: "subprocess.run(['ls', '-lR', m], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)",
  'commands names': "command('rename', 's s2'); command('rename', 's2 s')",
  'commands sizes': "command('resize', 's 2M force=yes')",
  'commands content': "command('restore', f'{os.path.basename(image())}@a force=yes')",
  'commands snapshots': "command('snapshot', 's name=b'); command('delete', 's@b force=yes')",
};

const PRELUDE = `
import errno, mmap, os, random, subprocess
REFUSALS = (errno.ENOENT, errno.EEXIST, errno.EBUSY)
def command(name, line):
    with open(f'{m}/ctl/{name}', 'w') as file: file.write(line)
def image(): return f'{m}/volumes/' + ('s' if os.path.exists(f'{m}/volumes/s') else 's2')
def open_image():
    fd = os.open(image(), os.O_RDWR)
    os.pwrite(fd, b'x', (1 << 20) - 1)
    return fd`;

function program(mount: string, name: string, round: string): string {
  const body = round.includes('\n') ? round : `\n    ${round}`;
  return `${PRELUDE}
m = ${JSON.stringify(mount)}
chance = random.Random('${name}')
def one(number):${body}
for number in range(${ROUNDS}):
    try: one(number)
    except OSError as error:
        if error.errno not in REFUSALS: raise
print('${name}')`;
}

describe.skipIf(!overKernel).each(['none', 'kernel'])('with --cache %s', (policy) => {
  afterEach(cleanScratch);

  it('programs and commands on one volume never wait for each other for ever', async () => {
    const array = MountedArray.create({ mountWords: ['--cache', policy] });
    array.ok('create', 's 4M');
    array.ok('snapshot', 's name=a');
    const running = Object.entries(PROGRAMS).map(([name, round]) =>
      doneLater('python3', '-c', program(array.mount, name, round)),
    );
    expect(await Promise.all(running)).toEqual(Object.keys(PROGRAMS));
    await array.umount();
    expect(array.findings()).toBeUndefined();
  });
});
