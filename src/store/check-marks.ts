/**
 * Blocks the map names whose content is there, but which their container does not mark as stored: a
 * put would overwrite them. From here on the check takes them for stored; a repair marks them.
 */
import { crc32 } from 'node:zlib';
import { BLOCK_BYTES } from '../base/sizes.js';
import type { CheckTarget, Findings, Repairs } from './check-findings.js';
import type { Location } from './records.js';
import { isStored } from './resolve.js';

export class MarkCheck {
  private unmarked = 0;
  private firstId = 0;

  constructor(private readonly target: CheckTarget) {}

  /** Looks at what a sound map entry names. */
  visit(location: Location, repairs: Repairs): void {
    const { blocks } = this.target;
    const { id, crc } = location;
    if (!blocks.marksApart || !isStored(id) || blocks.has(id)) return;
    const content = blocks.read(id);
    // What is not there, or is something else by now, is a missing block.
    if (content?.length !== BLOCK_BYTES || crc32(content) !== crc) return;
    if (this.unmarked === 0) this.firstId = id;
    this.unmarked += 1;
    blocks.keep(id);
    repairs.add((transaction) => transaction.blocks.keep(id));
  }

  report(findings: Findings, repairs: Repairs): void {
    if (this.unmarked === 0) return;
    const detail = `${this.unmarked} blocks are in use and marked free, the first has id ${this.firstId}`;
    findings.add('unmarked block', '-', detail, repairs.enabled);
  }
}
