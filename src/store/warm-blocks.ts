/**
 * Which stored blocks are likely in the host's page cache: those read, fetched or written lately. A
 * read of a cold block would stall the event loop for a disk access, so cold blocks are fetched first.
 *
 * A table of ids by their low bits: 8 MiB remember up to a million blocks (16 GiB). It may forget
 * (the block is fetched again, which costs little) and it may be wrong (the host dropped the page):
 * a read that took long says so, and all is forgotten.
 */
const TABLE_SLOTS = 2 ** 20;

export class WarmBlocks {
  private table = new Float64Array(0);

  has(id: number): boolean {
    return this.table[id % TABLE_SLOTS] === id;
  }

  add(id: number): void {
    if (this.table.length === 0) this.table = new Float64Array(TABLE_SLOTS);
    this.table[id % TABLE_SLOTS] = id;
  }

  clear(): void {
    this.table.fill(0);
  }
}
