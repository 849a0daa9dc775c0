import type { Weight } from '../../kernels/weight.ts';
import { expertMatrices, type DecoderSpec, type MatrixSpec } from '../spec/spec.ts';
import type { WeightLoader } from './weightLoader.ts';
import type { ExpertMatrix, ExpertWeights } from './weights.ts';

/** Loads the experts of a block; null if it has none. */
export async function loadExperts(
  loader: WeightLoader,
  spec: DecoderSpec,
  layer: number,
): Promise<ExpertWeights | null> {
  const [into, out] = [expertMatrices(spec, layer, 'expertsIn'), expertMatrices(spec, layer, 'expertsOut')];
  if (into.length === 0) return null;
  return { expertsIn: await loadMatrices(loader, into), expertsOut: await loadMatrices(loader, out) };
}

/** As few matrices as hold all experts: each as large as a binding may be, and of whole experts. */
async function loadMatrices(loader: WeightLoader, specs: readonly MatrixSpec[]): Promise<ExpertMatrix[]> {
  const experts = specs.at(-1)!.expert!.expert + 1;
  const each = specs.length / experts;
  let together = experts;
  while (together > 1 && !loader.fuses(specs.slice(0, together * each))) together = Math.ceil(together / 2);
  const loaded: ExpertMatrix[] = [];
  for (let first = 0; first < experts; first += together) {
    const members = specs.slice(first * each, (first + together) * each);
    loaded.push(...joined(members, await loader.fused(members)));
  }
  return loaded;
}

/** What a fused matrix, or each by itself, has of experts. */
function joined(members: readonly MatrixSpec[], weights: readonly Weight[]): ExpertMatrix[] {
  const [{ expert: begin }] = members as [MatrixSpec];
  const [whole] = weights as [Weight];
  if (weights.length === 1 && members.length > 1) {
    const count = members.at(-1)!.expert!.expert + 1 - begin!.expert;
    const rows = whole.rows / count;
    return [{ chunk: whole.chunks[0]!, first: begin!.expert, count, stride: rows, rows, column: 0 }];
  }
  return members.flatMap(({ expert }, i) =>
    weights[i]!.chunks.map((chunk) => {
      const { rows, rowStart } = chunk;
      return { chunk, first: expert!.expert, count: 1, stride: rows, rows, column: expert!.row + rowStart };
    }),
  );
}
