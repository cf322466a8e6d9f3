/**
 * The array as plain byte arrays: what every operation means, without blocks, caches or epochs.
 */
import { SECTOR_BYTES } from '../../src/base/sizes.js';

export interface ModelVolume {
  bytes: Uint8Array;
  readonly snapshots: Map<string, Uint8Array>;
}

export type ArrayModel = Map<string, ModelVolume>;

/** Changes the bytes of one volume. */
export type ByteOperation =
  | { kind: 'write'; name: string; offset: number; data: Uint8Array }
  | { kind: 'resize'; name: string; size: number }
  | { kind: 'discard'; name: string; offset: number; size: number }
  | CopyOperation;

/** Shares or copies a block of another volume or snapshot, inside the volume. */
export interface CopyOperation {
  kind: 'copy';
  name: string;
  offset: number;
  /** Volume, and its snapshot where one is copied from. */
  source: string;
  snapshot: string | undefined;
  sourceOffset: number;
  /** What the source shows. */
  data: Uint8Array;
}

export type ModelCommand =
  | { kind: 'create'; name: string; size: number }
  | { kind: 'snapshot'; names: string[]; snapshot: string }
  | { kind: 'restore'; name: string; snapshot: string }
  | { kind: 'clone'; name: string; snapshot: string; newName: string }
  | { kind: 'drop'; name: string; snapshot: string }
  | { kind: 'delete'; name: string }
  | { kind: 'rename'; name: string; newName: string };

export type ModelOperation = ByteOperation | ModelCommand;

function resized(bytes: Uint8Array, size: number): Uint8Array {
  const result = new Uint8Array(size);
  result.set(bytes.subarray(0, size));
  return result;
}

/** What an operation on the bytes of a volume makes of them. */
export function changedBytes(bytes: Uint8Array, operation: ByteOperation): Uint8Array {
  if (operation.kind === 'resize') return resized(bytes, operation.size);
  if (operation.kind === 'discard') {
    return resized(bytes, bytes.length).fill(
      0,
      operation.offset,
      operation.offset + operation.size,
    );
  }
  const end = operation.offset + operation.data.length;
  const size = Math.max(bytes.length, Math.ceil(end / SECTOR_BYTES) * SECTOR_BYTES);
  const result = resized(bytes, size);
  result.set(operation.data, operation.offset);
  return result;
}

/** Changes `model` by one operation; arrays are replaced, never changed in place. */
export function applyOperation(model: ArrayModel, operation: ModelOperation): void {
  if (operation.kind === 'create') {
    model.set(operation.name, { bytes: new Uint8Array(operation.size), snapshots: new Map() });
    return;
  }
  if (operation.kind === 'snapshot') {
    for (const name of operation.names) {
      const volume = model.get(name) as ModelVolume;
      volume.snapshots.set(operation.snapshot, volume.bytes);
    }
    return;
  }
  const volume = model.get(operation.name) as ModelVolume;
  switch (operation.kind) {
    case 'write':
    case 'discard':
    case 'resize':
    case 'copy':
      volume.bytes = changedBytes(volume.bytes, operation);
      return;
    case 'restore':
      volume.bytes = volume.snapshots.get(operation.snapshot) as Uint8Array;
      return;
    case 'clone': {
      const bytes = volume.snapshots.get(operation.snapshot) as Uint8Array;
      model.set(operation.newName, { bytes, snapshots: new Map() });
      return;
    }
    case 'drop':
      volume.snapshots.delete(operation.snapshot);
      return;
    case 'delete':
      model.delete(operation.name);
      return;
    case 'rename':
      model.delete(operation.name);
      model.set(operation.newName, volume);
      return;
  }
}

/** One text for each copy with a digest of its content: two equal models have equal texts. */
export function describeModel(model: ArrayModel, digest: (bytes: Uint8Array) => string): string[] {
  const lines: string[] = [];
  for (const [name, { bytes, snapshots }] of model) {
    lines.push(`${name} ${bytes.length} ${digest(bytes)}`);
    for (const [snapshot, content] of snapshots) {
      lines.push(`${name}@${snapshot} ${content.length} ${digest(content)}`);
    }
  }
  return lines.sort();
}

/** Volumes an operation is about. */
export function namesIn(operation: ModelOperation): readonly string[] {
  if (operation.kind === 'snapshot') return operation.names;
  return operation.kind === 'copy' ? [operation.name, operation.source] : [operation.name];
}

/** One line for the reader of a failed test. */
export function describe(operation: ModelOperation): string {
  return JSON.stringify({ ...operation, data: undefined, ...sizeOf(operation) });
}

function sizeOf(operation: ModelOperation): object {
  return 'data' in operation ? { size: operation.data.length } : {};
}
