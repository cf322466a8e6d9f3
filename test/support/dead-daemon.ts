/**
 * A daemon that was killed while the kernel holds up one of its threads, played by a program whose main
 * thread has ended: a zombie that keeps the lock of an array, and the connection of a mount that nobody
 * answers. It ends with the connection; without one, when its input ends.
 */
import { isRunning } from '../../src/host/processes.js';
import { start, until } from './programs.js';

const PROGRAM = `
import ctypes, os, socket, subprocess, sys, threading
serial, mount, alive = sys.argv[1:]
lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
lock.bind(('\\0arrayfs-' + serial).ljust(108, '.'))
lock.listen()
device = 0
if mount:
    device = os.open('/dev/fuse', os.O_RDWR)
    options = f'fd={device},rootmode=40000,user_id=0,group_id=0'
    words = ['mount', '-i', '-t', 'fuse.arrayfs', '-o', options, f'arrayfs-{serial}', mount]
    subprocess.run(words, pass_fds=[device], check=True)
def wait():
    try:
        while os.read(device, 1 << 20): pass
    except OSError: pass
    os._exit(0)
print('up', flush=True)
if alive: wait()
threading.Thread(target=wait).start()
ctypes.CDLL(None).pthread_exit(None)
`;

export async function startDeadDaemon(
  serial: string,
  { mountPoint = '', isAlive = false }: { mountPoint?: string; isAlive?: boolean } = {},
) {
  const words = [serial, mountPoint, isAlive ? 'alive' : ''];
  const daemon = start('python3', '-c', PROGRAM, ...words);
  await until(() => daemon.texts.out.includes('up') || daemon.child.exitCode !== null);
  if (daemon.child.exitCode !== null) throw new Error(daemon.texts.errors);
  await until(() => isAlive || !isRunning(daemon.child.pid ?? 0));
  return daemon;
}
