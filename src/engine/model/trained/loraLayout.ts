import type { Gpu } from '../../gpu/device.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { byFusedGroup, type LoraModule } from './loraModules.ts';
import { ParameterLayout, type ParameterRange } from '../decoder/parameters.ts';
import { SavedMatrix, type SavedSpec } from './savedModules.ts';

/** The ranges of a module's A, B and magnitudes. */
export interface PairRanges {
  module: LoraModule;
  a: ParameterRange;
  b: ParameterRange;
  /** Null without DoRA. */
  magnitudes: ParameterRange | null;
}

/** The layout of an adapter's trained parameters. */
export interface LoraLayout {
  modules: readonly LoraModule[];
  parameters: ParameterLayout;
  /** By `keyOf`. */
  ranges: ReadonlyMap<string, PairRanges>;
  saved: readonly SavedMatrix[];
}

/** Moves values from one layout to another, one array per buffer; parameters that only the new one has are zero. */
export type MoveValues = (values: readonly Float32Array[]) => Float32Array<ArrayBuffer>[];

/**
 * Lays out the A of fused projections in order, then their B, so that each form one matrix, then DoRA's magnitudes; saved
 * matrices come last.
 * @param ratio the learning rate of B and magnitudes is that of A times this (LoRA+)
 * Throws `train.target_too_large`.
 */
export function layOut(
  gpu: Gpu,
  modules: readonly LoraModule[],
  specs: readonly SavedSpec[],
  ratio = 1,
): LoraLayout {
  const parameters = new ParameterLayout(gpu);
  for (const module of modules) checkSize(module, parameters.limit);
  const ranges = new Map<string, PairRanges>();
  for (const fused of byFusedGroup(modules)) {
    const reserve = ({ rank, linear: { experts = 1 } }: LoraModule, features: number, lrScale: number) =>
      parameters.reserve(experts * rank * features, { lrScale });
    const a = fused.map((module) => reserve(module, module.linear.inFeatures, 1));
    const b = fused.map((module) => reserve(module, module.linear.outFeatures, ratio));
    fused.forEach((module, i) => {
      const magnitudes = module.dora
        ? parameters.reserve(module.linear.outFeatures, { lrScale: ratio })
        : null;
      ranges.set(keyOf(module.layer, module.linear.path), { module, a: a[i]!, b: b[i]!, magnitudes });
    });
  }
  return { modules, parameters, ranges, saved: specs.map((spec) => new SavedMatrix(spec, parameters)) };
}

/** A and B are each bound whole; the head's B has a row per token. Throws `train.target_too_large`. */
function checkSize({ path: module, rank, linear }: LoraModule, limit: number): void {
  const size = (linear.experts ?? 1) * rank * Math.max(linear.inFeatures, linear.outFeatures);
  if (size <= limit) return;
  throw new GraftError('train.target_too_large', { module, rank, bytes: 4 * size, limit: 4 * limit });
}

/** Values of `before` in the layout of `after`, which has the same modules with another rank. */
export function movedValues(
  before: LoraLayout,
  after: LoraLayout,
  values: readonly Float32Array[],
): Float32Array<ArrayBuffer>[] {
  const moved = after.parameters.segments.map(({ count }) => new Float32Array(count));
  const copy = (
    from: ParameterRange,
    to: ParameterRange,
    start: number,
    at: number,
    length: number,
  ): void => {
    const source = values[from.segment]!.subarray(from.start + start, from.start + start + length);
    moved[to.segment]!.set(source, to.start + at);
  };
  for (const [key, from] of before.ranges) {
    const to = after.ranges.get(key)!;
    const [was, is] = [from.module.rank, to.module.rank];
    const common = Math.min(was, is);
    const { inFeatures, outFeatures, experts = 1 } = from.module.linear;
    for (let expert = 0; expert < experts; expert++) {
      const [start, at] = [expert * was * inFeatures, expert * is * inFeatures];
      copy(from.a, to.a, start, at, common * inFeatures);
    }
    for (let row = 0; row < experts * outFeatures; row++) copy(from.b, to.b, row * was, row * is, common);
    if (from.magnitudes) copy(from.magnitudes, to.magnitudes!, 0, 0, outFeatures);
  }
  const targets = after.saved.flatMap(({ ranges }) => ranges);
  for (const [i, from] of before.saved.flatMap(({ ranges }) => ranges).entries()) {
    copy(from, targets[i]!, 0, 0, from.size);
  }
  return moved;
}

export function keyOf(layer: number, path: string): string {
  return `${layer}.${path}`;
}
