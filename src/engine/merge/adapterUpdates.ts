import type { PeftAdapter, PeftModule } from '../../content/formats/peft.ts';
import { groupsOf } from '../model/spec/fusedProjections.ts';
import { modulePath, type DecoderSpec, type MatrixSpec } from '../model/spec/spec.ts';

/** What an adapter adds to a matrix of the model: of experts, to the rows of one; null for nothing. */
export function updateOf(
  spec: DecoderSpec,
  adapter: PeftAdapter | null,
  { module, rows, cols, expert }: MatrixSpec,
): PeftModule | null {
  if (!expert) return adapter?.modules.get(module) ?? null;
  const [linear] = groupsOf(spec)[expert.of].linears;
  const all = adapter?.modules.get(modulePath(spec, expert.layer, linear!.path));
  if (!all) return null;
  const { rank, scale } = all;
  const first = expert.expert * rank * cols;
  const start = (expert.expert * all.outFeatures + expert.row) * rank;
  return {
    rank,
    scale,
    a: all.a.subarray(first, first + rank * cols),
    b: all.b.subarray(start, start + rows * rank),
    inFeatures: cols,
    outFeatures: rows,
  };
}
