import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './grid.ts';

/** x [·, dim], y [rows, dim], index [rows] u32 (rows of x). x and y are different buffers of one type: f32 or f16. */
export interface IndexedRows {
  x: Tensor;
  y: Tensor;
  index: Tensor;
  rows: number;
  dim: number;
}

/** y[i, :] = x[index[i], :]. */
export function gatherRows(commands: Commands, { x, y, index, rows, dim }: IndexedRows): void {
  commands.run('gather_rows', { E: x.type }, { x, index, y }, { rows, dim }, flatGroups(rows));
}

/** x[index[i], :] = y[i, :]; each index at most once. Other rows of x are left alone. */
export function scatterRows(commands: Commands, { x, y, index, rows, dim }: IndexedRows): void {
  commands.run('scatter_rows', { E: x.type }, { y, index, x }, { rows, dim }, flatGroups(rows));
}
