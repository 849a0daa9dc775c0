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

/** Where each token of a batch stands, sorted by token: all u32. */
export interface TokenPlaces {
  /** [unique] */
  tokens: Tensor;
  /** [unique + 1] into `places` */
  starts: Tensor;
  /** [rows] */
  places: Tensor;
  unique: number;
}

/**
 * The gradient of `embedding`: dw[token, :] += the sum of dy over the token's places, in order.
 * @param dy [rows, cols] f32
 * @param gradient f32 matrix of the weight's shape, in chunks of its own
 */
export function embeddingBackward(
  commands: Commands,
  { dy, at, gradient }: { dy: Tensor; at: TokenPlaces; gradient: Weight },
): void {
  const { unique, ...places } = at;
  for (const { data: dw, rowStart, rows } of gradient.chunks) {
    const params = { unique, cols: gradient.cols, row_start: rowStart, row_count: rows };
    commands.run('embedding_backward', {}, { dy, ...places, dw }, params, flatGroups(unique));
  }
}
