import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { addColumnSums, addNormGradient, columnSumSlices, type SummedRows } from '../kernels/columnSums.ts';
import { rmsNormBackward } from '../kernels/rmsNorm.ts';
import type { Workspace } from './workspace.ts';

/** Where kernels are recorded, and their scratch memory. */
interface Place {
  commands: Commands;
  workspace: Workspace;
}

/**
 * The gradient of an RMSNorm: that of its input, as `rmsNormBackward`, and that of its weight where it is trained.
 * @param gradient [dim] f32, added to; null for a frozen weight
 */
export function normBackward(
  place: Place,
  {
    gradient,
    ...norm
  }: Parameters<typeof rmsNormBackward>[1] & {
    gradient: Tensor | null;
  },
): void {
  const { dy, x, rstd, rows } = norm;
  if (gradient) {
    const columns = norm.weight.shape[0]!;
    const summed = { dy, rows, columns, sums: gradient };
    addNormGradient(place.commands, { ...summed, partials: partials(place, summed) }, { x, rstd });
  }
  rmsNormBackward(place.commands, norm);
}

/** sums += the sums of columns: gradients of biases, and of norms whose rows are there token by token. */
export function addSums(place: Place, summed: Omit<SummedRows, 'partials'>): void {
  addColumnSums(place.commands, { ...summed, partials: partials(place, summed) });
}

function partials({ workspace }: Place, { rows, columns }: Pick<SummedRows, 'rows' | 'columns'>): Tensor {
  return workspace.get('column sums', 'f32', [columnSumSlices(rows), columns]);
}
