import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { elementGroups, ELEMENTWISE_THREADS } from './elementwise.ts';
import { flatGroups } from './grid.ts';
import { reductionOf } from './reduction.ts';
import { weightInput, type WeightChunk } from './weight.ts';

/** Threads that compute the norm of a row. */
export const NORM_THREADS = 64;

/** Rows of a weight with LoRA, and where DoRA's scales of them go. */
export interface DoraScalesArguments {
  /** Rows `wRow` … `wRow + rows − 1` are read. */
  chunk: WeightChunk;
  wRow: number;
  rows: number;
  /** [rank, cols] f32 */
  a: Tensor;
  /** [out, rank] and [out] f32, of which row `row` belongs to row `wRow` of the chunk. */
  b: Tensor;
  magnitudes: Tensor;
  row: number;
  scale: number;
  /** f32, written from element `out` on. */
  norms: Tensor;
  factors: Tensor;
  out: number;
}

/** norms = ‖W + scale · B · A‖₂ of each row, and factors = magnitudes / norms (Liu et al., 2024). */
export function doraScales(commands: Commands, args: DoraScalesArguments): void {
  const { chunk, wRow, rows, a, b, magnitudes, row, scale, norms, factors, out } = args;
  const { constants, tensors } = weightInput(chunk);
  const [rank = 0] = a.shape;
  const params = { rows, cols: chunk.cols, rank, w_row: wRow, row, out, scale };
  commands.run(
    'dora_scales',
    { ...constants, ...reductionOf(commands.gpu, NORM_THREADS, 'sums') },
    { a, b, magnitudes, norms, factors, ...tensors },
    params,
    flatGroups(rows),
  );
}

/**
 * y (+)= factors · z (+ bias), column by column.
 * @param z [rows, columns] f32, the output of the layers without their bias
 * @param y [rows, columns] f32 or f16, another buffer
 */
export function doraOutput(
  commands: Commands,
  options: {
    z: Tensor;
    factors: Tensor;
    bias: Tensor | null;
    y: Tensor;
    rows: number;
    columns: number;
    accumulate: boolean;
  },
): void {
  const { z, factors, bias, y, rows, columns, accumulate } = options;
  const params = { count: rows * columns, columns, accumulate: Number(accumulate) };
  const constants = { WG: ELEMENTWISE_THREADS, E: y.type, BIAS: bias !== null };
  const tensors = { z, factors, y, ...(bias && { bias }) };
  commands.run('dora_output', constants, tensors, params, elementGroups(params.count));
}

/**
 * The gradient of `doraOutput` with constant norms: dz = factors · dy; z becomes dy · z / norms, whose column sums are
 * the gradient of the magnitudes.
 * @param z [rows, columns] f32, as in the forward pass; overwritten
 */
export function doraBackward(
  commands: Commands,
  options: {
    dy: Tensor;
    z: Tensor;
    factors: Tensor;
    norms: Tensor;
    dz: Tensor;
    rows: number;
    columns: number;
  },
): void {
  const { dy, z, factors, norms, dz, rows, columns } = options;
  const params = { count: rows * columns, columns };
  const constants = { WG: ELEMENTWISE_THREADS };
  commands.run(
    'dora_backward',
    constants,
    { dy, factors, norms, z, dz },
    params,
    elementGroups(params.count),
  );
}
