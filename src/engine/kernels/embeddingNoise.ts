import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { elementGroups, ELEMENTWISE_THREADS as WG } from './elementwise.ts';

/**
 * y[t, c] += alpha / √(L · columns) · u, u uniform in −1 … 1 and L the length of the segment of token t (NEFTune, Jain et
 * al., 2023). The noise depends on (seed, index) alone.
 * @param y [rows, columns] f32
 * @param segmentStart, segmentEnd [rows] u32: first token of each token's segment, and one past its last
 * @param seed u32
 */
export function embeddingNoise(
  commands: Commands,
  options: {
    y: Tensor;
    segmentStart: Tensor;
    segmentEnd: Tensor;
    rows: number;
    columns: number;
    alpha: number;
    seed: number;
  },
): void {
  const { y, segmentStart: segment_start, segmentEnd: segment_end, rows, columns, alpha, seed } = options;
  const params = { count: rows * columns, columns, seed, alpha };
  commands.run(
    'embedding_noise',
    { WG },
    { y, segment_start, segment_end },
    params,
    elementGroups(params.count),
  );
}
