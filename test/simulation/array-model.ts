/**
 * The array as plain byte arrays: what every operation means, without blocks, caches or epochs.
 */
import { SECTOR_BYTES } from '../../src/base/sizes.js';

export interface ModelVolume {
  bytes: Uint8Array;
  readonly snapshots: Map<string, Uint8Array>;
}

export type ArrayModel = Map<string, ModelVolume>;

export type ModelOperation =
  | { kind: 'create'; name: string; size: number }
  | { kind: 'write'; name: string; offset: number; data: Uint8Array }
  | { kind: 'resize'; name: string; size: number }
  | { kind: 'discard'; name: string; offset: number; size: number }
  | { kind: 'snapshot'; names: string[]; snapshot: string }
  | { kind: 'restore'; name: string; snapshot: string }
  | { kind: 'clone'; name: string; snapshot: string; newName: string }
  | { kind: 'drop'; name: string; snapshot: string }
  | { kind: 'delete'; name: string }
  | { kind: 'rename'; name: string; newName: string };

export function copyModel(model: ArrayModel): ArrayModel {
  const copy: ArrayModel = new Map();
  for (const [name, { bytes, snapshots }] of model) {
    copy.set(name, { bytes, snapshots: new Map(snapshots) });
  }
  return copy;
}

function resized(bytes: Uint8Array, size: number): Uint8Array {
  const result = new Uint8Array(size);
  result.set(bytes.subarray(0, size));
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
    case 'write': {
      const end = operation.offset + operation.data.length;
      const size = Math.max(volume.bytes.length, Math.ceil(end / SECTOR_BYTES) * SECTOR_BYTES);
      volume.bytes = resized(volume.bytes, size);
      volume.bytes.set(operation.data, operation.offset);
      return;
    }
    case 'discard':
      volume.bytes = resized(volume.bytes, volume.bytes.length);
      volume.bytes.fill(0, operation.offset, operation.offset + operation.size);
      return;
    case 'resize':
      volume.bytes = resized(volume.bytes, operation.size);
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
