import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './grid.ts';
import { weightInput, type WeightChunk } from './weight.ts';

const WG = 64;
const ROWS = 4;

/**
 * y (+)= x · wᵀ (+ bias) for a single row x: what decoding a token asks of every linear layer.
 * @param x [k] f32 or f16
 * @param w [n, k] in any encoding
 * @param y f32 or f16; elements yOffset … yOffset + n − 1 are written
 * @param bias [n] f32
 */
export function gemv(
  commands: Commands,
  {
    x,
    w,
    y,
    yOffset = 0,
    bias,
    accumulate = false,
  }: {
    x: Tensor;
    w: WeightChunk;
    y: Tensor;
    yOffset?: number;
    bias?: Tensor | undefined;
    accumulate?: boolean;
  },
): void {
  const { constants, tensors } = weightInput(w);
  const params = { n: w.rows, k: w.cols, y_offset: yOffset, accumulate: Number(accumulate) };
  const bound = { x, y, ...tensors, ...(bias && { bias }) };
  const types = { A: x.type, E: y.type, BIAS: bias !== undefined };
  commands.run(
    'gemv',
    { ...constants, ...types, WG, ROWS },
    bound,
    params,
    flatGroups(Math.ceil(w.rows / ROWS)),
  );
}
