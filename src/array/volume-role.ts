/**
 * What being a side of a pair means for a volume: who may write to it, who must know of a write, and
 * where content is that is still to be copied here. copies.ts and images.ts ask; pair-side.ts answers.
 */

/** Content that still lies with the other side, as of an instant ([003] fig. 9). */
export interface ContentOverlay {
  /** Some of the range is not here yet. */
  isPending(offset: number, length: number): boolean;
  /** Fetches what is cold; undefined where nothing is. */
  fetch(offset: number, length: number): Promise<unknown> | undefined;
  /** Fills `target`, each part from where it is; EIO where the other side cannot be read. */
  read(offset: number, target: Uint8Array): void;
  /** Copies all tracks of the range here. */
  fill(offset: number, length: number): Promise<void>;
  /** What is elsewhere now, for a reader of this very moment. */
  freeze(): FrozenContent;
}

/** Content that was with the other side at one moment, kept until `release`. */
export interface FrozenContent {
  /** Whether the byte was elsewhere, and up to where that is so. */
  runAt(offset: number): { readonly isElsewhere: boolean; readonly end: number };
  /** Of a range that was elsewhere; EIO where the other side cannot be read. */
  read(offset: number, target: Uint8Array): Promise<void>;
  /** What `take` can fill is not read from there. */
  serveFrom(take: (offset: number, target: Uint8Array) => boolean): void;
  release(): void;
}

export interface VolumeRole {
  /** `PRIMARY:SECONDARY`. */
  readonly pairName: string;
  readonly role: 'primary' | 'secondary';
  /** Why hosts may not write now, read on after the name of the volume; undefined where they may. */
  readonly writeRefusal: string | undefined;
  /** It is the primary of a mirror, whose writes are copied: duplexed, as [002] has it. */
  readonly isDuplexed: boolean;
  /** Why no snapshot may be taken now: the volume alone is not a whole image. */
  readonly snapshotRefusal: string | undefined;
  readonly overlay: ContentOverlay | undefined;
  /** In the turn of a host's write, before it. */
  writing(offset: number, length: number): void;
  /** What fsync of the volume waits for in its pair, for all that is accepted now; undefined for nothing. */
  synchronised(): Promise<void> | undefined;
}
