/** What the layers above keep in records, as a generation takes it along. */
import type { Lineage } from './lineage.js';

/** Something stored as one record, packed when its generation is closed or logged. */
export interface RecordSource {
  readonly recordKey: Uint8Array;
  /** Undefined removes the record. */
  packRecord(): Uint8Array | undefined;
  /**
   * Writes that must be in the log with the record, while their generation is not published: the
   * record tells of them, as a size tells of the write that grew the volume.
   */
  readonly dependsOn?: { readonly lineage: Lineage; readonly sequence: number } | undefined;
}
