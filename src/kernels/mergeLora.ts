import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { ELEMENTWISE_THREADS as WG, elementGroups } from './elementwise.ts';
import type { WeightFormat } from './weight.ts';

/**
 * out = w + scale · b · a over a block of rows, in f32 with one rounding to nearest even at the end. Where the
 * update is zero, out has w's bits; NaN and infinities of w stay.
 * @param w [rows, cols] in `format`, packed as in WeightChunk
 * @param a [rank, cols] f32
 * @param b [rows, rank] f32, the block's rows of B
 * @param out like w, another buffer
 */
export function mergeLora(
  commands: Commands,
  options: {
    w: Tensor;
    format: WeightFormat;
    a: Tensor;
    b: Tensor;
    out: Tensor;
    rows: number;
    cols: number;
    rank: number;
    scale: number;
  },
): void {
  const { w, format, a, b, out, rows, cols, rank, scale } = options;
  const packed = format !== 'f32';
  const words = packed ? Math.ceil((rows * cols) / 2) : rows * cols;
  const bound = { w, a, b, merged: out };
  const params = { rows, cols, rank, scale };
  commands.run('merge_lora', { W: format, PACKED: packed, WG }, bound, params, elementGroups(words));
}
