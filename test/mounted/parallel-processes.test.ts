/**
 * 64 processes work on one array at once. Each has a region of one shared volume, whose borders lie in
 * the middle of sectors, so that neighbours always share one, and a volume of its own, of which it takes a
 * snapshot and to which it goes back.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canMount, MountedArray } from '../support/mounted-array.js';
import { doneLater } from '../support/programs.js';
import { cleanScratch } from '../support/scratch-directory.js';

const PROCESSES = 64;
const REGION_BYTES = 150_001;
const OWN_BYTES = 200_192;

/** Prints digests of its region, of its snapshot and of its own volume as they have to be. */
const WORKER = `
import hashlib, os, random, sys
mount, number, region, own = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
chance = random.Random(number)

def work(file, start, size, content, writes):
  for _ in range(writes):
    offset = chance.randrange(size)
    data = chance.randbytes(min(chance.randrange(1, 20000), size - offset))
    assert os.pwrite(file, data, start + offset) == len(data)
    content[offset:offset + len(data)] = data
    if chance.random() < 0.02: os.fsync(file)
    offset = chance.randrange(size)
    length = min(4096, size - offset)
    assert os.pread(file, length, start + offset) == content[offset:offset + length]

def command(name, line):
  file = os.open(f'{mount}/ctl/{name}', os.O_RDWR)
  os.write(file, line.encode())
  os.close(file)

shared = os.open(f'{mount}/volumes/shared', os.O_RDWR)
mine = bytearray(region)
work(shared, number * region, region, mine, 40)

name = f'own{number}'
file = os.open(f'{mount}/volumes/{name}', os.O_RDWR | os.O_CREAT)
os.ftruncate(file, own)
content = bytearray(own)
work(file, 0, own, content, 15)
command('snapshot', f'{name} name=s')
frozen = bytes(content)
work(file, 0, own, content, 15)
if number % 2:
  os.close(file)
  command('restore', f'{name}@s')
  content = frozen

work(shared, number * region, region, mine, 40)
for part in (mine, frozen, content): print(hashlib.sha1(part).hexdigest())
`;

describe.skipIf(!canMount)(`${PROCESSES} processes at once`, () => {
  let array: MountedArray;
  let expected: string[][];

  beforeAll(async () => {
    array = MountedArray.create();
    array.ok('create', `shared ${Math.ceil((PROCESSES * REGION_BYTES) / 512) * 512}`);
    const words = (number: number) => [number, REGION_BYTES, OWN_BYTES].map(String);
    const outputs = await Promise.all(
      Array.from({ length: PROCESSES }, (_, number) =>
        doneLater('python3', '-c', WORKER, array.mount, ...words(number)),
      ),
    );
    expected = outputs.map((out) => out.split('\n'));
  });
  afterAll(cleanScratch);

  const digest = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest('hex');

  function found(): string[][] {
    const shared = readFileSync(array.volume('shared'));
    return Array.from({ length: PROCESSES }, (_, number) => [
      digest(shared.subarray(number * REGION_BYTES, (number + 1) * REGION_BYTES)),
      digest(readFileSync(array.snapshot(`own${number}`, 's'))),
      digest(readFileSync(array.volume(`own${number}`))),
    ]);
  }

  it('find what each of them wrote', () => {
    expect(found()).toEqual(expected);
    expect(array.volumes().map(({ openCount }) => openCount)).toEqual(
      Array.from({ length: PROCESSES + 1 }, () => 0),
    );
  });

  it('find it after the array was mounted again', async () => {
    await array.umount();
    expect(array.findings()).toBeUndefined();
    array.mountAgain();
    expect(found()).toEqual(expected);
  });
});
