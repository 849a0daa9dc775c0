import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { ELEMENTWISE_THREADS as WG, elementGroups } from './elementwise.ts';
import type { FloatFormat } from './weight.ts';

/** The output tile of an invocation of the tiled kernel, and invocations per workgroup. */
const [TILE_ROWS, TILE_COLS, TILE_WG] = [8, 4, 64];

/**
 * out = w + scale · b · a over a block of rows, in f32 with one rounding to nearest even at the end. If the update is
 * zero and the format unchanged, out has w's bits; NaN and infinities of w are preserved.
 * @param w [rows, cols] in `format`, packed as in WeightChunk
 * @param a [rank, cols] f32
 * @param b [rows, rank] f32, the block's rows of B
 * @param out [rows, cols] in `outFormat`, another buffer
 * @param outFormat defaults to that of w
 * @param factors [rows] f32, which multiply the rows of the sum (DoRA); null leaves them
 */
export function mergeLora(
  commands: Commands,
  options: {
    w: Tensor;
    format: FloatFormat;
    a: Tensor;
    b: Tensor;
    out: Tensor;
    outFormat?: FloatFormat;
    rows: number;
    cols: number;
    rank: number;
    scale: number;
    factors?: Tensor | null;
  },
): void {
  const { w, format, a, b, out, outFormat = format, rows, cols, rank, scale, factors = null } = options;
  const params = { rows, cols, rank, scale };
  const tensors = { w, a, b, merged: out, ...(factors && { factors }) };
  const DORA = factors !== null;
  if (cols % TILE_COLS === 0) {
    const constants = { W: format, OUT: outFormat, SAME: format === outFormat, WG: TILE_WG, DORA };
    const groups = [Math.ceil(cols / TILE_COLS / TILE_WG), Math.ceil(rows / TILE_ROWS)] as const;
    commands.run('merge_lora_tile', constants, tensors, params, groups);
    return;
  }
  const words = outFormat === 'f32' ? rows * cols : Math.ceil((rows * cols) / 2);
  const constants = { W: format, OUT: outFormat, SAME: format === outFormat, WG, DORA };
  commands.run('merge_lora', constants, tensors, params, elementGroups(words));
}
