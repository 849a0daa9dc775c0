import type { Commands } from '../gpu/commands.ts';
import { elementsOf, type Tensor } from '../gpu/tensor.ts';
import { assert } from '../../base/lib/errors.ts';

const WG = 64;
/** Up to this many rows, one thread sums a whole column. */
const ONE_STAGE_ROWS = 32;

/** Number of row slices, which determines the order of additions: about √rows slices of as many rows each. */
export function columnSumSlices(rows: number): number {
  return Math.ceil(rows / sliceRows(rows));
}

function sliceRows(rows: number): number {
  return rows <= ONE_STAGE_ROWS ? Math.max(1, rows) : Math.ceil(Math.sqrt(rows));
}

/** The rows to sum, f32 [rows, columns]: columns from `start` on, of rows of `stride` elements. */
export interface SummedRows {
  dy: Tensor;
  rows: number;
  columns: number;
  stride?: number;
  start?: number;
  /** f32 [columns], accumulated into. */
  sums: Tensor;
  /** f32 scratch [columnSumSlices(rows), columns] or longer; unused if there is one slice. */
  partials: Tensor;
}

/** sums[c] += Σ dy[t, c] over the rows t: the gradient of a bias. */
export function addColumnSums(commands: Commands, summed: SummedRows): void {
  run(commands, summed, null);
}

/**
 * sums[c] += Σ dy[t, c] · x[t, c] · rstd[t]: the gradient of the weight of `rmsNorm`.
 * @param of x [rows, columns] f32 or f16, the norm's input, and rstd [rows] from its forward pass
 */
export function addNormGradient(
  commands: Commands,
  summed: SummedRows,
  of: { x: Tensor; rstd: Tensor },
): void {
  run(commands, summed, of);
}

function run(
  commands: Commands,
  { dy, rows, columns, stride = columns, start = 0, sums, partials }: SummedRows,
  norm: { x: Tensor; rstd: Tensor } | null,
): void {
  const slices = columnSumSlices(rows);
  const constants = { WG, X: norm?.x.type ?? 'f32', NORM: norm !== null };
  const tensors = { dy, ...norm };
  const params = { rows, columns, stride, start, slice_rows: sliceRows(rows) };
  const across = Math.ceil(columns / WG);
  if (slices === 1) {
    commands.run('column_sums', constants, { ...tensors, sums }, { ...params, accumulate: 1 }, [across]);
    return;
  }
  assert(elementsOf(partials) >= slices * columns, `sums of ${columns} columns need ${slices} partials each`);
  const own = { ...params, accumulate: 0 };
  commands.run('column_sums', constants, { ...tensors, sums: partials }, own, [across, slices]);
  const last = { rows: slices, columns, stride: columns, start: 0, slice_rows: slices, accumulate: 1 };
  commands.run('column_sums', { WG, X: 'f32', NORM: false }, { dy: partials, sums }, last, [across]);
}
