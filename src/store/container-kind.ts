/** The places a pool's blocks can live in, by the names its identity and `arrayfs init --blocks` have. */
export const BLOCK_CONTAINERS = ['lmdb', 'file'] as const;

export type BlockContainerKind = (typeof BLOCK_CONTAINERS)[number];

/** Of a pool made without a choice: it won the measured comparison, native-notes/performance.md. */
export const DEFAULT_CONTAINER: BlockContainerKind = 'file';

export function isBlockContainer(kind: string): kind is BlockContainerKind {
  return (BLOCK_CONTAINERS as readonly string[]).includes(kind);
}
