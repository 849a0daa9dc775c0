import type { WeightChunk } from '../../kernels/weight.ts';
import type { GroupWeights } from '../weights/weights.ts';

/**
 * The weight rows behind a column range: `count` rows from row `row` of a chunk compute the columns from `start` on.
 */
export function* rowsOf(
  { parts }: GroupWeights,
  { start, width }: { start: number; width: number },
): Generator<{ chunk: WeightChunk; row: number; count: number; start: number }> {
  for (const part of parts) {
    for (const chunk of part.weight.chunks) {
      const begin = part.start + chunk.rowStart;
      const first = Math.max(start, begin);
      const count = Math.min(start + width, begin + chunk.rows) - first;
      if (count > 0) yield { chunk, row: first - begin, count, start: first };
    }
  }
}
