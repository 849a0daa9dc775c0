import type { Gpu } from '../gpu/device.ts';
import { GraftError } from '../lib/errors.ts';
import { bySiblings, type LoraModule } from './loraModules.ts';
import { ParameterLayout, type Place } from './parameters.ts';
import { SavedMatrix, type SavedSpec } from './savedModules.ts';

/** Where A and B of a module are. */
export interface PairPlace {
  module: LoraModule;
  a: Place;
  b: Place;
}

/** Where everything that an adapter trains is in its buffers. */
export interface LoraLayout {
  modules: readonly LoraModule[];
  layout: ParameterLayout;
  /** By `keyOf`. */
  places: ReadonlyMap<string, PairPlace>;
  saved: readonly SavedMatrix[];
}

/** Puts values of one layout, an array a buffer, where they belong in another; what is not in both is zero. */
export type MoveValues = (values: readonly Float32Array[]) => Float32Array<ArrayBuffer>[];

/** A of siblings one after the other, then B of them, so that they are one matrix each; saved matrices behind. Throws `train.target_too_large`. */
export function layOut(gpu: Gpu, modules: readonly LoraModule[], specs: readonly SavedSpec[]): LoraLayout {
  const layout = new ParameterLayout(gpu);
  for (const module of modules) checkSize(module, layout.limit);
  const places = new Map<string, PairPlace>();
  for (const siblings of bySiblings(modules)) {
    const a = siblings.map(({ rank, linear }) => layout.reserve(rank * linear.inFeatures));
    const b = siblings.map(({ rank, linear }) => layout.reserve(linear.outFeatures * rank));
    siblings.forEach((module, i) => {
      places.set(keyOf(module.layer, module.linear.path), { module, a: a[i]!, b: b[i]! });
    });
  }
  return { modules, layout, places, saved: specs.map((spec) => new SavedMatrix(spec, layout)) };
}

/** A and B are each bound whole; of the head, B has a row for each token. Throws `train.target_too_large`. */
function checkSize({ path: module, rank, linear }: LoraModule, limit: number): void {
  const size = rank * Math.max(linear.inFeatures, linear.outFeatures);
  if (size <= limit) return;
  throw new GraftError('train.target_too_large', { module, rank, bytes: 4 * size, limit: 4 * limit });
}

/** Values of `before` in the layout of `after`, which has the same modules at another rank. */
export function movedValues(
  before: LoraLayout,
  after: LoraLayout,
  values: readonly Float32Array[],
): Float32Array<ArrayBuffer>[] {
  const moved = after.layout.segments.map(({ count }) => new Float32Array(count));
  const copy = (from: Place, to: Place, start: number, at: number, length: number): void => {
    const source = values[from.segment]!.subarray(from.start + start, from.start + start + length);
    moved[to.segment]!.set(source, to.start + at);
  };
  for (const [key, from] of before.places) {
    const to = after.places.get(key)!;
    const [was, is] = [from.module.rank, to.module.rank];
    const kept = Math.min(was, is);
    const { inFeatures, outFeatures } = from.module.linear;
    copy(from.a, to.a, 0, 0, kept * inFeatures);
    for (let row = 0; row < outFeatures; row++) copy(from.b, to.b, row * was, row * is, kept);
  }
  const targets = after.saved.flatMap(({ places }) => places);
  for (const [i, from] of before.saved.flatMap(({ places }) => places).entries()) {
    copy(from, targets[i]!, 0, 0, from.size);
  }
  return moved;
}

export function keyOf(layer: number, path: string): string {
  return `${layer}.${path}`;
}
