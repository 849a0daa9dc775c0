import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './grid.ts';
import { weightInput, type Weight } from './weight.ts';

/**
 * y[t, :] = multiplier · weight[tokens[t], :], one dispatch per chunk. Rows of tokens outside the weight are left alone.
 * @param tokens [rows] u32
 * @param y [rows, cols] f32
 */
export function embedding(
  commands: Commands,
  {
    weight,
    tokens,
    y,
    rows,
    multiplier = 1,
  }: { weight: Weight; tokens: Tensor; y: Tensor; rows: number; multiplier?: number },
): void {
  for (const chunk of weight.chunks) {
    const { constants: ofWeight, tensors } = weightInput(chunk);
    const constants = { ...ofWeight, ...scaled(multiplier) };
    const params = { rows, cols: weight.cols, row_start: chunk.rowStart, row_count: chunk.rows };
    commands.run('embedding', constants, { ...tensors, tokens, y }, params, flatGroups(rows));
  }
}

/** The positions of each distinct token in a batch, sorted by token: all u32. */
export interface TokenPositions {
  /** [unique] */
  tokens: Tensor;
  /** [unique + 1] into `positions` */
  starts: Tensor;
  /** [rows] */
  positions: Tensor;
  unique: number;
}

/**
 * The gradient of `embedding`: dw[token, :] += multiplier · Σ dy over the token's positions, in order.
 * @param dy [rows, cols] f32
 * @param gradient f32 matrix of the weight's shape, in its own chunks
 */
export function embeddingBackward(
  commands: Commands,
  {
    dy,
    at,
    gradient,
    multiplier = 1,
  }: { dy: Tensor; at: TokenPositions; gradient: Weight; multiplier?: number },
): void {
  const { tokens, starts, positions: places, unique } = at;
  for (const { data: dw, rowStart, rows } of gradient.chunks) {
    const params = { unique, cols: gradient.cols, row_start: rowStart, row_count: rows };
    const all = { dy, tokens, starts, places, dw };
    commands.run('embedding_backward', scaled(multiplier), all, params, flatGroups(unique));
  }
}

function scaled(multiplier: number): { MULTIPLIER?: number } {
  return multiplier === 1 ? {} : { MULTIPLIER: multiplier };
}
