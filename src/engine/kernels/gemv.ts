import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './grid.ts';
import { reductionOf } from './reduction.ts';
import { weightInput, type WeightChunk } from './weight.ts';

const WG = 64;
const ROWS = 4;

/** Tensors and offsets of a `gemv`. */
export interface GemvArguments {
  /** [k] f32 or f16. */
  x: Tensor;
  /** [rows, k] in any encoding; rows wRow … wRow + n − 1 are used. */
  w: WeightChunk;
  wRow?: number;
  n: number;
  /** f32 or f16; elements yOffset … yOffset + n − 1 are written. */
  y: Tensor;
  yOffset?: number;
  /** f32, from element biasOffset on. */
  bias?: Tensor | null;
  biasOffset?: number;
  accumulate?: boolean;
}

/** y (+)= x · wᵀ (+ bias) for a single row x: the linear layers when decoding a token. */
export function gemv(commands: Commands, args: GemvArguments): void {
  const { x, w, y, n, bias = null } = args;
  const { constants, tensors } = weightInput(w);
  const params = {
    n,
    k: w.cols,
    w_row: args.wRow ?? 0,
    y_offset: args.yOffset ?? 0,
    bias_offset: args.biasOffset ?? 0,
    accumulate: Number(args.accumulate ?? false),
  };
  const bound = { x, y, ...tensors, ...(bias && { bias }) };
  const types = { A: x.type, E: y.type, BIAS: bias !== null };
  const sizes = { ...reductionOf(commands.gpu, WG, 'sums'), ROWS };
  commands.run('gemv', { ...constants, ...types, ...sizes }, bound, params, flatGroups(Math.ceil(n / ROWS)));
}
