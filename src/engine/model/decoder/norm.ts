import type { Commands } from '../../gpu/commands.ts';
import type { Tensor } from '../../gpu/tensor.ts';
import {
  addColumnSums,
  addNormGradient,
  columnSumSlices,
  type SummedRows,
} from '../../kernels/columnSums.ts';
import { rmsNorm, rmsNormBackward } from '../../kernels/rmsNorm.ts';
import type { DecoderSpec } from '../spec/spec.ts';
import type { Workspace } from './workspace.ts';

/** Where kernels are recorded, and their scratch memory. */
interface KernelContext {
  commands: Commands;
  workspace: Workspace;
  spec: DecoderSpec;
}

/** An RMSNorm of the spec's kind, as `rmsNorm`. */
export function normForward(
  { commands, spec }: Pick<KernelContext, 'commands' | 'spec'>,
  norm: Omit<Parameters<typeof rmsNorm>[1], 'eps' | 'offset'>,
): void {
  rmsNorm(commands, { ...norm, eps: spec.normEps, offset: spec.normOffset });
}

/**
 * The gradient of an RMSNorm: of its input, as `rmsNormBackward`, and of its weight if it is trained.
 * @param gradient [dim] f32, accumulated into; null for a frozen weight
 */
export function normBackward(
  context: KernelContext,
  {
    gradient,
    ...norm
  }: Omit<Parameters<typeof rmsNormBackward>[1], 'offset'> & {
    gradient: Tensor | null;
  },
): void {
  const { dy, x, rstd, rows } = norm;
  if (gradient) {
    const columns = gradient.shape[0]!;
    const summed = { dy, rows, columns, sums: gradient };
    addNormGradient(context.commands, { ...summed, partials: partials(context, summed) }, { x, rstd });
  }
  rmsNormBackward(context.commands, { ...norm, offset: context.spec.normOffset });
}

/** sums += column sums of dy: gradients of biases, and of head norms from their per-token gradients. */
export function addSums(context: Omit<KernelContext, 'spec'>, summed: Omit<SummedRows, 'partials'>): void {
  addColumnSums(context.commands, { ...summed, partials: partials(context, summed) });
}

function partials(
  { workspace }: Pick<KernelContext, 'workspace'>,
  { rows, columns }: Pick<SummedRows, 'rows' | 'columns'>,
): Tensor {
  return workspace.get('column sums', 'f32', [columnSumSlices(rows), columns]);
}
