/** What hosts ask of images besides reading and writing: allocation, holes, copies, large requests. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MountedArray, overKernel } from '../support/mounted-array.js';
import { done, shell } from '../support/programs.js';
import { cleanScratch } from '../support/scratch-directory.js';

const PRELUDE = `
import ctypes, errno, os, time
libc = ctypes.CDLL(None, use_errno=True)
KEEP, PUNCH, COLLAPSE, ZERO, INSERT = 1, 2, 8, 16, 32
def fallocate(fd, mode, offset, size):
    done = libc.fallocate(fd, mode, ctypes.c_int64(offset), ctypes.c_int64(size)) == 0
    return 'done' if done else errno.errorcode[ctypes.get_errno()]
def seek(fd, offset, whence):
    try: return os.lseek(fd, offset, whence)
    except OSError as error: return errno.errorcode[error.errno]
def size(fd): return os.fstat(fd).st_size
K = 1024`;

describe.skipIf(!overKernel)('over the kernel transport', () => {
  let array: MountedArray;

  beforeAll(() => {
    // A small cache, so that writes wait for room.
    array = MountedArray.create({ mountWords: ['--write-cache', '4M'] });
  });
  afterAll(cleanScratch);

  /** Runs a Python program with a new volume of 1 MiB open as `fd`; what it prints. */
  function python(name: string, program: string): string {
    array.ok('create', `${name} 1M`);
    const open = `m = '${array.mount}'\nfd = os.open('${array.volume(name)}', os.O_RDWR)`;
    return done('python3', '-c', `${PRELUDE}\n${open}\n${program}`);
  }

  it('fallocate reserves, punches and zeroes, with the size kept or not', () => {
    const out = python(
      'allocated',
      `os.pwrite(fd, b'x' * 1024 * K, 0)
print(fallocate(fd, 0, 1024 * K, 1000), size(fd), fallocate(fd, KEEP, 2048 * K, 512), size(fd))
print(fallocate(fd, PUNCH | KEEP, 100, 64 * K), os.pread(fd, 64 * K + 101, 0).count(b'x'))
print(fallocate(fd, ZERO | KEEP, 512 * K, 4096 * K), size(fd), os.pread(fd, 512 * K + 1, 512 * K - 1).count(b'x'))
print(fallocate(fd, ZERO, 2048 * K, 100), size(fd), os.pread(fd, 2048 * K + 512, 1024 * K).count(0))
print(fallocate(fd, COLLAPSE, 0, 16 * K), fallocate(fd, INSERT, 0, 16 * K), fallocate(fd, PUNCH, 0, 1))
print(fallocate(fd, 0, 16 << 40, 1), fallocate(os.open(f'{m}/events', os.O_RDONLY), 0, 0, 1))`,
    );
    expect(out.split('\n')).toEqual([
      `done ${1024 * 1024 + 1024} done ${1024 * 1024 + 1024}`,
      'done 101',
      `done ${1024 * 1024 + 1024} 1`,
      `done ${2048 * 1024 + 512} ${1024 * 1024 + 512}`,
      'ENOTSUP ENOTSUP ENOTSUP',
      'EFBIG EBADF',
    ]);
  });

  it('a punched range gives its space back', () => {
    const out = python(
      'punched',
      `os.pwrite(fd, os.urandom(1024 * K), 0); os.fsync(fd)
print(os.fstat(fd).st_blocks)
fallocate(fd, PUNCH | KEEP, 0, 512 * K)
# Counted when it is published, which takes about a second.
while os.fstat(fd).st_blocks != 1024: time.sleep(0.05)`,
    );
    expect(out).toBe('2048');
  });

  it('lseek finds data and holes, of snapshots too, and text is data to its end', () => {
    const out = python(
      'sparse',
      `DATA, HOLE = os.SEEK_DATA, os.SEEK_HOLE
print(seek(fd, 0, DATA), seek(fd, 0, HOLE))
os.pwrite(fd, b'x' * 16 * K, 256 * K)
print(seek(fd, 0, DATA), seek(fd, 256 * K, HOLE), seek(fd, 300 * K, DATA), seek(fd, 1024 * K, HOLE))
print(seek(fd, -512, os.SEEK_END), seek(fd, 100, os.SEEK_CUR))
open(f'{m}/ctl/snapshot', 'w').write('sparse name=s')
fallocate(fd, PUNCH | KEEP, 0, 1024 * K)
frozen = os.open(f'{m}/snapshots/sparse/s', os.O_RDONLY)
print(seek(fd, 0, DATA), seek(frozen, 0, DATA), seek(frozen, 260 * K, HOLE))
text = os.open(f'{m}/status/array', os.O_RDONLY)
print(seek(text, 3, DATA), seek(text, 0, HOLE) == size(text))`,
    );
    expect(out.split('\n')).toEqual([
      'ENXIO 0',
      `${256 * 1024} ${272 * 1024} ENXIO ENXIO`,
      `${1024 * 1024 - 512} ${1024 * 1024 - 412}`,
      `ENXIO ${256 * 1024} ${272 * 1024}`,
      '3 True',
    ]);
  });

  it('copy_file_range copies between images and files', () => {
    const out = python(
      'copied',
      `os.pwrite(fd, os.urandom(1024 * K), 0)
open(f'{m}/ctl/snapshot', 'w').write('copied name=s')
source = os.open(f'{m}/snapshots/copied/s', os.O_RDONLY)
target = os.open(f'{m}/volumes/target', os.O_RDWR | os.O_CREAT)
total = 0
while total < 1024 * K:
    count = os.copy_file_range(source, target, 1024 * K - total, total, total)
    if count == 0: break
    total += count
print(total, size(target), os.pread(target, 1024 * K, 0) == os.pread(fd, 1024 * K, 0))
print(os.copy_file_range(source, target, 512, 1024 * K, 0))`,
    );
    expect(out).toBe('1048576 1048576 True\n0');
    shell(`cp --reflink=auto ${array.snapshot('copied', 's')} ${array.volume('second')}`);
    done('cmp', array.volume('copied'), array.volume('second'));
  });

  it('a signal cuts no write, fsync or command short, as on any file system', () => {
    const out = python(
      'signalled',
      `import signal
alarms = 0
def alarm(*_):
    global alarms
    alarms += 1
signal.signal(signal.SIGALRM, alarm)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
data = os.urandom(1024 * K)
for i in range(64):
    # Not os.write, which would hide an EINTR.
    count = libc.pwrite(fd, data, len(data), ctypes.c_int64(i * len(data)))
    if count != len(data): exit(f'pwrite {i}: {count} {ctypes.get_errno()}')
    if i % 16 == 0 and libc.fsync(fd) != 0: exit(f'fsync {i}: {ctypes.get_errno()}')
control = os.open(f'{m}/ctl/snapshot', os.O_WRONLY)
line = b'signalled name=s'
if libc.write(control, line, len(line)) != len(line): exit(f'command: {ctypes.get_errno()}')
signal.setitimer(signal.ITIMER_REAL, 0)
if not alarms: exit('no signal came')
print(all(os.pread(fd, len(data), i * len(data)) == data for i in range(64)))`,
    );
    expect(out).toBe('True');
  });

  it('a listing of many volumes with their attributes is whole', () => {
    shell(`for n in $(seq 600); do echo "many-$n 1M" > ${array.path('ctl', 'create')}; done`);
    const listed = shell(
      `ls -l ${array.path('volumes')} | awk '/ many-/ { print $5 }' | sort | uniq -c`,
    );
    expect(listed.trim()).toBe(`600 ${2 ** 20}`);
    expect(shell(`find ${array.path('volumes')} -name 'many-*' -size 1M | wc -l`)).toBe('600');
  });
});
