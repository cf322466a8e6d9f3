/** What a stored generation is for the writer when it is published, and for the indexes in memory after it. */
import { emptyLocations, putLocation } from '../store/locations.js';
import { ZEROS } from '../store/resolve.js';
import type { LayerStep, PublishStep } from '../store/tasks.js';
import type { BlockIndex } from './block-index.js';
import type { ClipMark, Generation, GenerationStep } from './generation.js';
import type { Layer, Lineage } from './lineage.js';
import { chainLevels } from './view.js';

export interface ViewSource {
  /** Newest view before the layer's epoch once generation `sequence` is published, -1 for none. */
  viewBefore(layer: Layer, sequence: number): number;
}

/** The generation's steps, in their order. */
export function publishSteps(generation: Generation, views: ViewSource): PublishStep[] {
  return generation.steps.map((step) => publishStep(step, generation.sequence, views));
}

/** The generation is published: indexes show it from now on. */
export function applyPublished(generation: Generation): void {
  for (const step of generation.steps) {
    if (step.kind === 'clip') applyClip(step);
    else if (step.kind === 'layer') applyLayer(step);
  }
}

function publishStep(step: GenerationStep, sequence: number, views: ViewSource): PublishStep {
  if (step.kind === 'layer') return layerStep(step, sequence, views);
  if (step.kind === 'usage') return step;
  const replaces = step.replaces.map((clip) => clip.epoch);
  const { epoch, block } = step.clip;
  return { kind: 'clip', lineage: step.lineage.id, epoch, block, replaces };
}

function layerStep(layer: Layer, sequence: number, views: ViewSource): LayerStep {
  const { lineage, epoch } = layer;
  const blocks = Float64Array.from(layer.blocks.keys()).sort();
  const locations = emptyLocations(blocks.length);
  const shared = new Uint8Array(blocks.length);
  for (const [index, block] of blocks.entries()) {
    const entry = layer.blocks.get(block);
    putLocation(locations, index, entry?.location ?? ZEROS);
    if (entry?.shared) shared[index] = 1;
  }
  return {
    kind: 'layer',
    lineage: lineage.id,
    epoch,
    previousView: views.viewBefore(layer, sequence),
    levels: chainLevels(lineage, epoch),
    blocks,
    locations,
    shared,
  };
}

/** Indexes in memory that show the lineage's state at `epoch`. */
function indexesFrom(lineage: Lineage, epoch: number): BlockIndex[] {
  const indexes = [lineage.index];
  for (const [view, index] of lineage.views) if (view >= epoch) indexes.push(index);
  return indexes;
}

/** Tells the indexes in memory where the blocks went. */
function applyLayer({ lineage, epoch, blocks }: Layer): void {
  const indexes = indexesFrom(lineage, epoch);
  for (const [block, { location }] of blocks) {
    if (location !== undefined) for (const index of indexes) index.update(block, location);
  }
}

function applyClip(mark: ClipMark): void {
  const { clips } = mark.lineage;
  mark.clip.published = true;
  for (const old of mark.replaces) {
    const position = clips.indexOf(old);
    if (position >= 0) clips.splice(position, 1);
  }
  for (const index of indexesFrom(mark.lineage, mark.clip.epoch)) index.clip(mark.clip.block);
}
