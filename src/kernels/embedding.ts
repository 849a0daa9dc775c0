import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './grid.ts';
import { weightInput, type Weight } from './weight.ts';

/**
 * y[t, :] = weight[tokens[t], :], one dispatch a chunk. A token outside the weight leaves its row alone.
 * @param tokens [rows] u32
 * @param y [rows, cols] f32
 */
export function embedding(
  commands: Commands,
  { weight, tokens, y, rows }: { weight: Weight; tokens: Tensor; y: Tensor; rows: number },
): void {
  for (const chunk of weight.chunks) {
    const { constants, tensors } = weightInput(chunk);
    const params = { rows, cols: weight.cols, row_start: chunk.rowStart, row_count: chunk.rows };
    commands.run('embedding', constants, { ...tensors, tokens, y }, params, flatGroups(rows));
  }
}
