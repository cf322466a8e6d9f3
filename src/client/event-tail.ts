/**
 * Reading /events from outside: the last lines, and what is appended later. The file is opened for
 * each look and never held, so that somebody who follows events does not keep the array mounted.
 */
import { type FileHandle, open } from 'node:fs/promises';

/** Bytes of one read; also the first step back from the end when looking for the last lines. */
const CHUNK_BYTES = 64 * 1024;

export interface EventPart {
  /** Whole lines, each with its line end. */
  readonly text: string;
  /** Where the next part begins. */
  readonly nextOffset: number;
}

/** The last `count` lines of the file at `path`. */
export async function lastLines(path: string, count: number): Promise<EventPart> {
  return withFile(path, async (file) => {
    const { size } = await file.stat();
    for (let backBytes = CHUNK_BYTES; ; backBytes *= 4) {
      const start = Math.max(0, size - backBytes);
      const bytes = await readFrom(file, start);
      const part = wholeLines(bytes, start);
      const lines = part.text.split('\n').slice(0, -1);
      // The first line may be the end of a longer one, unless the part begins with the file.
      const known = start === 0 ? lines : lines.slice(1);
      if (known.length >= count || start === 0) {
        const text =
          count === 0
            ? ''
            : known
                .slice(-count)
                .map((line) => `${line}\n`)
                .join('');
        return { text, nextOffset: part.nextOffset };
      }
    }
  });
}

/** What was appended since `offset`; a shorter file is a new mount's, read from its beginning. */
export async function linesSince(path: string, offset: number): Promise<EventPart> {
  return withFile(path, async (file) => {
    const { size } = await file.stat();
    const start = size < offset ? 0 : offset;
    return wholeLines(await readFrom(file, start), start);
  });
}

/** A line that is still being written is left for the next look. */
function wholeLines(bytes: Buffer, start: number): EventPart {
  const lengthBytes = bytes.lastIndexOf(0x0a) + 1;
  return {
    text: bytes.subarray(0, lengthBytes).toString('utf8'),
    nextOffset: start + lengthBytes,
  };
}

async function readFrom(file: FileHandle, start: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let offset = start;
  for (;;) {
    const part = Buffer.allocUnsafe(CHUNK_BYTES);
    const { bytesRead } = await file.read(part, 0, CHUNK_BYTES, offset);
    if (bytesRead === 0) return Buffer.concat(parts);
    parts.push(part.subarray(0, bytesRead));
    offset += bytesRead;
  }
}

async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, 'r');
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
