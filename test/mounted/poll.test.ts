/** Programs that sleep until the array has news: poll, epoll and select on events, a job and a pair. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sleep } from '../../src/base/clock.js';
import { canMount, MountedArray, overKernel } from '../support/mounted-array.js';
import { shell, start, until } from '../support/programs.js';
import { cleanScratch } from '../support/scratch-directory.js';

/** Only ends a program that is never woken: no test waits for it. */
const WAIT_SECONDS_MAX = 600;

/** How each of the three waits; it prints `not woken` where the time limit ended it. */
const WAYS = {
  poll: `p = select.poll(); p.register(fd, select.POLLIN)
wait = lambda seconds: p.poll(seconds * 1000)`,
  epoll: `p = select.epoll(); p.register(fd, select.EPOLLIN)
wait = lambda seconds: p.poll(seconds)`,
  select: `wait = lambda seconds: select.select([fd], [], [], seconds)[0]`,
} as const;

function python(path: string, way: string, then: string) {
  const program = `import os, select, sys
fd = os.open('${path}', os.O_RDONLY)
def read():
    text = b''
    while True:
        piece = os.read(fd, 4096)
        text += piece
        if not piece: return text.decode()
${way}
${then}`;
  return start('python3', '-u', '-c', program);
}

const sleeper = `first = read()
print('ready' if not wait(0) else 'busy')
woken = wait(${WAIT_SECONDS_MAX})
print(read() if woken else 'not woken')
print('quiet' if not wait(0) else 'busy')`;

describe.skipIf(!overKernel)('a program that waits for news', () => {
  let array: MountedArray;

  beforeAll(() => {
    array = MountedArray.create();
  });
  afterAll(cleanScratch);

  it.each(Object.entries(WAYS))('in events by %s is woken by the next event', async (name, way) => {
    const { texts, result } = python(array.path('events'), way, sleeper);
    await until(() => texts.out.includes('\n'));
    expect(texts.out).toBe('ready\n');
    array.ok('create', `v-${name} 1M`);
    const { out, errors } = await result;
    expect(errors).toBe('');
    expect(out).toMatch(
      new RegExp(`^ready\\n[^\\n]* CREATED v-${name} volume \\d+, 1M\\n\\nquiet$`),
    );
  });

  it('in events is woken like everybody else who waits', async () => {
    const sleepers = Array.from({ length: 5 }, () =>
      python(array.path('events'), WAYS.poll, sleeper),
    );
    for (const { texts } of sleepers) await until(() => texts.out === 'ready\n');
    array.ok('create', 'x 1M');
    for (const { result } of sleepers) expect((await result).out).toContain(' CREATED x ');
  });

  it('in a job is woken when it has changed, until it ends', async () => {
    // Enough to read, so that the job still runs when it is looked at.
    shell(`head -c 400M /dev/urandom > ${array.volume('big')}`);
    const { result } = python(
      array.path('ctl', 'scrub'),
      '',
      `out = os.open('${array.path('ctl', 'scrub')}', os.O_RDWR)
os.write(out, b'all')
fd = os.open('${array.mount}/jobs/' + os.pread(out, 100, 0).decode().split()[2], os.O_RDONLY)
${WAYS.poll}
def state():
    text = os.pread(fd, 4096, 0).decode()
    return next(line.split()[1] for line in text.split('\\n') if line.startswith('state'))
wakes = 0
while state() == 'running':
    if not wait(${WAIT_SECONDS_MAX}): sys.exit('not woken')
    wakes += 1
print(state(), 'woken' if wakes else 'too late', 'quiet' if not wait(0) else 'busy')`,
    );
    expect(await result).toMatchObject({ out: 'done woken quiet', errors: '' });
  });

  it('in the file of a pair is woken when it has changed', async () => {
    for (const name of ['db', 'copy']) array.ok('create', `${name} 1M`);
    array.ok('paircreate', 'db copy mode=on-demand');
    // Its text is made anew by a read from the start.
    const fromStart = 'read = lambda: os.pread(fd, 4096, 0).decode()';
    const { texts, result } = python(
      array.path('pairs', 'db:copy'),
      WAYS.poll,
      `${fromStart}\n${sleeper}`,
    );
    await until(() => texts.out === 'ready\n');
    array.ok('pairpace', 'db:copy pace=slow');
    const { out, errors } = await result;
    expect(errors).toBe('');
    expect(out).toMatch(/^pace +slow$/m);
    expect(out).toMatch(/\nquiet$/);
  });

  it('in an image never waits: it is always ready', async () => {
    const { result } = python(
      array.volume('x'),
      WAYS.poll,
      "read(); print('ready' if wait(0) else 'not')",
    );
    expect((await result).out).toBe('ready');
  });
});

describe.skipIf(!canMount || overKernel)('over fuse-native', () => {
  afterAll(cleanScratch);

  it('events are always ready', async () => {
    const array = MountedArray.create();
    const { result } = python(array.path('events'), WAYS.poll, 'read(); print(len(wait(0)))');
    expect((await result).out).toBe('1');
  });
});

describe.skipIf(!canMount)('a text that is read by its size', () => {
  afterAll(cleanScratch);

  it('is whole, whatever happens between fstat and read', () => {
    const array = MountedArray.create();
    for (const name of ['db', 'copy']) array.ok('create', `${name} 1M`);
    array.ok('paircreate', 'db copy mode=on-demand pace=slow');
    for (const path of [array.path('pairs', 'db:copy.json'), array.path('status', 'pairs.json')]) {
      const [early, late] = [openSync(path, 'r'), openSync(path, 'r')];
      const sizes = [fstatSync(early).size];
      array.ok('pairpace', 'db:copy pace=medium');
      sizes.push(fstatSync(late).size);
      array.ok('pairpace', 'db:copy pace=slow');
      for (const [index, descriptor] of [early, late].entries()) {
        const text = Buffer.alloc(sizes[index] ?? 0);
        const length = readSync(descriptor, text, 0, text.length, 0);
        expect(text.toString('utf8', 0, length)).toMatch(/"pace": ?"(slow|medium)"[\s\S]*[\]}]\n$/);
        closeSync(descriptor);
      }
    }
  });
});

describe.skipIf(!canMount)('tail -f of events', () => {
  afterAll(cleanScratch);

  it('shows each line', async () => {
    const array = MountedArray.create();
    const { child, texts } = start('tail', '-f', '-n', '0', '-s', '0.05', array.path('events'));
    // It has taken its place once it shows something.
    for (let number = 0; !texts.out.includes('CREATED'); number += 1) {
      array.ok('create', `tail${number} 1M`);
      await sleep(50);
    }
    array.ok('create', 'last 1M');
    await until(() => texts.out.includes(' CREATED last '));
    child.kill();
  });
});
