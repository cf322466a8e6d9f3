/**
 * A segment that moves blocks within one medium of a device: it must not read what it has written itself. Volumes are read as they were
 * before the segment; here the whole source is read before anything is written, where writing could reach it.
 */
import { COPY_OVERLAP_BYTES_MAX } from '../base/limits.js';
import type { SegmentDescriptor } from '../ecopy/segment-descriptor.js';
import { BlockInput, BlockOutput } from './segment-ends.js';
import { overlapTooLong } from './segment-failures.js';
import type { SegmentInput, SegmentOutput } from './segment-movement.js';

/** What has been read, unit by unit. */
class ReadBefore implements SegmentInput {
  private taken = 0;

  constructor(
    private readonly data: Uint8Array,
    private readonly unitBytes: number,
  ) {}

  async read(units: number): Promise<Uint8Array> {
    const from = this.taken;
    this.taken += units * this.unitBytes;
    return this.data.subarray(from, this.taken);
  }
}

/** The input as the segment is to use it. `residualBytes` are written before the first are read; `turn` gives way to others. */
export async function inputBefore(
  { input, output }: { readonly input: SegmentInput; readonly output: SegmentOutput },
  { segment, number }: { readonly segment: SegmentDescriptor; readonly number: number },
  residualBytes: number,
  turn: () => Promise<void>,
): Promise<SegmentInput> {
  if (!(input instanceof BlockInput) || !(output instanceof BlockOutput)) return input;
  if ((input.reader as object) !== output.writer || !canOverwrite(input, output, residualBytes)) {
    return input;
  }
  if (input.lengthBytes > COPY_OVERLAP_BYTES_MAX) throw overlapTooLong({ ...segment, number });
  const data = new Uint8Array(input.lengthBytes);
  for (let done = 0; done < data.length; ) {
    const part = await input.read((data.length - done) / input.unitBytes);
    data.set(part, done);
    done += part.length;
    await turn();
  }
  return new ReadBefore(data, input.unitBytes);
}

/** Writing begins before the end of what is read, and not so far before that it stays behind reading. */
function canOverwrite(input: BlockInput, output: BlockOutput, residualBytes: number): boolean {
  const isBehind = output.position + residualBytes <= input.position;
  return !isBehind && output.position < input.position + input.lengthBytes;
}
