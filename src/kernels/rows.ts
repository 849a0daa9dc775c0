import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './grid.ts';

/** x [·, dim] f32, y [rows, dim] f32, index [rows] u32 (rows of x). x and y are different buffers. */
export interface IndexedRows {
  x: Tensor;
  y: Tensor;
  index: Tensor;
  rows: number;
  dim: number;
}

/** y[i, :] = x[index[i], :]. */
export function gatherRows(commands: Commands, { x, y, index, rows, dim }: IndexedRows): void {
  commands.run('gather_rows', {}, { x, index, y }, { rows, dim }, flatGroups(rows));
}

/** x[index[i], :] = y[i, :]; every index at most once. Other rows of x are left alone. */
export function scatterRows(commands: Commands, { x, y, index, rows, dim }: IndexedRows): void {
  commands.run('scatter_rows', {}, { y, index, x }, { rows, dim }, flatGroups(rows));
}
