import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './grid.ts';

/**
 * The column of the largest value of each row, of equal ones the first.
 * @param x [rows, columns] f32
 * @param y [rows] u32, overwritten
 */
export function argmaxRows(
  commands: Commands,
  { x, y, rows, columns }: { x: Tensor; y: Tensor; rows: number; columns: number },
): void {
  commands.run('argmax_rows', {}, { x, y }, { rows, columns }, flatGroups(rows));
}
