/**
 * What the kernel keeps of the mount is never old: mapped images, the page cache of both policies, and
 * listings, whatever the array changes by itself. Over the kernel transport, which tells it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repeat } from '../support/factor.js';
import { canMount, KIB, MIB, MountedArray, overKernel } from '../support/mounted-array.js';
import { done, doneLater, shell } from '../support/programs.js';
import { cleanScratch } from '../support/scratch-directory.js';

const SEED = 20_261_120;
const OPERATIONS = repeat(120);

/** Runs a Python program that has the mount in `m`; what it prints. */
function python(array: MountedArray, program: string): string {
  return done('python3', '-c', `${PRELUDE}\nm = ${JSON.stringify(array.mount)}\n${program}`);
}

const PRELUDE = `
import mmap, os, random, sys
def command(name, line):
    with open(f'{m}/ctl/{name}', 'w') as file: file.write(line)
def image(name, flags=os.O_RDWR): return os.open(f'{m}/volumes/{name}', flags)`;

/** How many pages of a file the page cache holds. */
const COUNT_PAGES = `
import ctypes
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
fd = os.open(path, os.O_RDONLY)
size = max(1, os.fstat(fd).st_size)
area = ctypes.c_void_p(libc.mmap(None, ctypes.c_size_t(size), 1, 1, fd, ctypes.c_long(0)))
pages = (ctypes.c_ubyte * ((size + 4095) // 4096))()
if libc.mincore(area, ctypes.c_size_t(size), pages) != 0: sys.exit('mincore')
print(sum(page & 1 for page in pages))`;

/**
 * Random changes of an image by every way there is, each compared with an array of bytes: as read(2)
 * sees it, a shared and a private mapping, and a reader past the page cache.
 */
const RANDOM_CHANGES = `
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def fallocate(fd, mode, offset, size):
    if libc.fallocate(fd, mode, ctypes.c_int64(offset), ctypes.c_int64(size)) != 0:
        raise OSError(ctypes.get_errno(), 'fallocate')
chance = random.Random(seed)
SIZE = 1 << 20
PAGE = 4096
command('create', f'v {SIZE}')
model = bytearray(SIZE)
saved = {}
fd = image('v')
shared = mmap.mmap(fd, SIZE)
reader = mmap.mmap(fd, SIZE, mmap.MAP_SHARED, mmap.PROT_READ)
direct = image('v', os.O_RDONLY | os.O_DIRECT)
buffer = mmap.mmap(-1, SIZE)
history = []

def piece():
    size = chance.choice([1, 512, PAGE, 20000, 200000])
    size = chance.randint(1, size)
    return chance.randint(0, SIZE - size), size
def by_write():
    offset, size = piece()
    data = chance.randbytes(size)
    os.pwrite(fd, data, offset)
    model[offset:offset + size] = data
def by_mapping():
    offset, size = piece()
    data = chance.randbytes(size)
    shared[offset:offset + size] = data
    shared.flush()
    model[offset:offset + size] = data
def by_punch():
    offset, size = piece()
    fallocate(fd, 3, offset, size)
    model[offset:offset + size] = bytes(size)
def by_zero():
    offset, size = piece()
    fallocate(fd, 17, offset, size)
    model[offset:offset + size] = bytes(size)
def snapshot():
    name = f's{len(saved)}'
    command('snapshot', f'v name={name}')
    saved[name] = bytes(model)
def restore():
    if not saved: return
    name = chance.choice(sorted(saved))
    command('restore', f'v@{name} force=yes')
    model[:] = saved[name]
def resize():
    keep = chance.randrange(0, SIZE, 512)
    command('resize', f'v {keep} force=yes')
    command('resize', f'v {SIZE} force=yes')
    model[keep:] = bytes(SIZE - keep)
def compare():
    mapped = reader[:]
    os.preadv(direct, [buffer], 0)
    private = mmap.mmap(fd, SIZE, mmap.MAP_PRIVATE)
    ways = {'read': os.pread(fd, SIZE, 0), 'mapping': mapped, 'private': private[:], 'direct': buffer[:]}
    private.close()
    for way, content in ways.items():
        if content == model: continue
        at = next(i for i in range(SIZE) if content[i] != model[i])
        sys.exit(f'seed {seed}: {way} differs at {at} after {history[-10:]}')

ways = [by_write] * 4 + [by_mapping] * 4 + [by_punch, by_zero, snapshot, restore, restore, resize]
for _ in range(operations):
    change = chance.choice(ways)
    history.append(change.__name__)
    change()
    compare()
for name, content in saved.items():
    if open(f'{m}/snapshots/v/{name}', 'rb').read() != content: sys.exit(f'seed {seed}: {name}')
print('same')`;

/** Names of files of the mount that are listed now, with what a listing lets the kernel keep. */
const listed = (array: MountedArray) => shell(`ls -lR ${array.mount} > /dev/null`);

describe.skipIf(!overKernel).each(['none', 'kernel'])('with --cache %s', (policy) => {
  let array: MountedArray;

  beforeAll(() => {
    array = MountedArray.create({ mountWords: ['--cache', policy] });
  });
  afterAll(cleanScratch);

  it('the page cache holds what it is asked to', () => {
    array.ok('create', 'kept 1M');
    shell(
      `head -c 1M /dev/urandom > ${array.volume('kept')}; cat ${array.volume('kept')} | cat > /dev/null`,
    );
    const pagesOf = (path: string) => Number(python(array, `path = '${path}'\n${COUNT_PAGES}`));
    expect(pagesOf(array.volume('kept'))).toBe(policy === 'kernel' ? 256 : 0);
    for (const path of ['events', 'status/volumes', 'ctl/create', 'info/kept']) {
      shell(`cat ${array.path(path)} > /dev/null`);
      expect([path, pagesOf(array.path(path))]).toEqual([path, 0]);
    }
    array.ok('snapshot', 'kept name=s');
    array.ok('restore', 'kept@s');
    expect(pagesOf(array.volume('kept'))).toBe(0);
  });

  it('a mapped image shows writes, and is written by its mapping', () => {
    array.ok('create', 'mapped 1M');
    const out = python(
      array,
      `fd = image('mapped')
os.pwrite(fd, b'before', 0)
shared = mmap.mmap(fd, 1 << 20)
private = mmap.mmap(fd, 4096, mmap.MAP_PRIVATE)
print(shared[0:6], private[0:6])
os.pwrite(fd, b'second', 0)
print(shared[0:6])
shared[8192:8198] = b'mapped'; shared.flush()
print(os.pread(fd, 6, 8192), open(f'{m}/volumes/mapped', 'rb').read()[8192:8198])
shared[100000:100005] = b'close'
private[0:6] = b'secret'; private.close()`,
    );
    expect(out).toBe("b'before' b'before'\nb'second'\nb'mapped' b'mapped'");
    const content = readFileSync(array.volume('mapped'));
    expect(`${content.subarray(0, 6)} ${content.subarray(100_000, 100_005)}`).toBe('second close');
  });

  it(`an image is the same whichever way it is read (${OPERATIONS} changes, seed ${SEED})`, () => {
    const settings = `seed = ${SEED}\noperations = ${OPERATIONS}`;
    expect(python(array, `${settings}\n${RANDOM_CHANGES}`)).toBe('same');
  });

  it('a command that changes names and sizes is seen at once, whatever was listed before', () => {
    for (let round = 0; round < 4; round += 1) {
      array.ok('create', 'a 1M');
      array.ok('snapshot', 'a name=s');
      listed(array);
      array.ok('resize', 'a 2M');
      expect(shell(`stat -c %s ${array.volume('a')}`)).toBe(`${2 * MIB}`);
      listed(array);
      array.ok('rename', 'a b');
      for (const path of ['volumes/a', 'snapshots/a', 'snapshots/a/s', 'info/a', 'info/a@s']) {
        expect([path, existsSync(array.path(path))]).toEqual([path, false]);
      }
      listed(array);
      array.ok('delete', 'b@s');
      expect(existsSync(array.snapshot('b', 's'))).toBe(false);
      expect(existsSync(array.path('info', 'b@s'))).toBe(false);
      listed(array);
      shell(`chmod 640 ${array.volume('b')}`);
      expect(shell(`stat -c %a ${array.path('info', 'b')}`)).toBe('640');
      listed(array);
      array.ok('info', `b set=${Buffer.alloc(512, 1).toString('base64')}`);
      expect(shell(`stat -c %s ${array.path('info', 'b')}`)).toBe('512');
      array.ok('delete', 'b');
    }
  });

  it('an image that is renamed or deleted by a command goes on in its mapping', () => {
    array.ok('create', 'gone 64K');
    const out = python(
      array,
      `fd = image('gone')
shared = mmap.mmap(fd, 65536)
shared[0:4] = b'here'
command('rename', 'gone went')
print(os.path.exists(f'{m}/volumes/gone'), os.fstat(fd).st_nlink, os.pread(image('went'), 4, 0))
command('delete', 'went')
shared[4:8] = b'stay'; shared.flush()
print(os.fstat(fd).st_nlink, os.pread(fd, 8, 0))`,
    );
    expect(out).toBe("False 1 b'here'\n0 b'herestay'");
  });

  it('many who list, remove, map and command at the same time never wait for each other for ever', async () => {
    const worker = (number: number) => `
n = ${number}
for i in range(${repeat(15)}):
    name = f'w{n}-{i % 3}'
    command('create', f'{name} 256K')
    os.listdir(f'{m}/volumes'); [os.stat(f'{m}/volumes/{x}') for x in os.listdir(f'{m}/volumes') if x.startswith(f'w{n}')]
    fd = image(name)
    area = mmap.mmap(fd, 262144)
    area[0:262144] = bytes([i % 255 + 1]) * 262144
    area.flush()
    command('snapshot', f'{name} name=s')
    area[0:4096] = b'x' * 4096
    area.flush()
    command('restore', f'{name}@s force=yes')
    if area[0:262144] != bytes([i % 255 + 1]) * 262144: sys.exit(f'{name}: old pages in round {i}')
    command('delete', f'{name}@s')
    if n % 2:
        os.rename(f'{m}/volumes/{name}', f'{m}/volumes/{name}-new'); os.unlink(f'{m}/volumes/{name}-new')
    else:
        command('rename', f'{name} {name}-new'); command('delete', f'{name}-new')
    if os.pread(fd, 5, 0) != bytes([i % 255 + 1]) * 5: sys.exit(f'{name}: not its content in round {i}')
    area.close(); os.close(fd)
print('done')`;
    const programs = [0, 1, 2, 3, 4, 5].map((number) =>
      doneLater(
        'python3',
        '-c',
        `${PRELUDE}\nm = ${JSON.stringify(array.mount)}\n${worker(number)}`,
      ),
    );
    expect(await Promise.all(programs)).toEqual(Array.from(programs, () => 'done'));
  });

  it('a file system on a loop device lives on the image', async () => {
    shell(`truncate -s 64M ${array.volume('fs')}; mkfs.ext4 -q ${array.volume('fs')}`);
    const point = array.loopMount(array.volume('fs'), `fs-${policy}`);
    shell(`cp -a /usr/share/doc/bash ${point}; sync -f ${point}`);
    array.ok('snapshot', 'fs name=s');
    await array.loopUnmount(point);
    shell(
      `dd if=/dev/urandom of=${array.volume('fs')} bs=${64 * KIB} count=1000 conv=notrunc status=none`,
    );
    array.ok('restore', 'fs@s');
    done('cmp', array.volume('fs'), array.snapshot('fs', 's'));
    const again = array.loopMount(array.volume('fs'), `again-${policy}`);
    done('diff', '-r', '/usr/share/doc/bash', `${again}/bash`);
    await array.loopUnmount(again);
  });

  it('leaves an array that is clean', async () => {
    await array.umount();
    expect(array.findings()).toBeUndefined();
  });
});

describe.skipIf(!canMount || overKernel)('fuse-native', () => {
  afterAll(cleanScratch);

  it('refuses to keep pages, which it could not drop, and says what can', () => {
    expect(() =>
      MountedArray.create({ mountWords: ['--transport', 'fuse-native', '--cache', 'kernel'] }),
    ).toThrow(
      'fuse-native cannot do --cache kernel: that needs the kernel transport (Linux, root)',
    );
  });

  it('maps images privately, and refuses shared mappings', () => {
    const array = MountedArray.create({ mountWords: ['--transport', 'fuse-native'] });
    array.ok('create', 'v 64K');
    const out = python(
      array,
      `fd = image('v')
os.pwrite(fd, b'content', 0)
print(mmap.mmap(fd, 4096, mmap.MAP_PRIVATE)[0:7])
try: mmap.mmap(fd, 4096)
except OSError as error: print(error)`,
    );
    expect(out).toBe("b'content'\n[Errno 19] No such device");
  });
});
