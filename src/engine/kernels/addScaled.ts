import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { ELEMENTWISE_THREADS as WG, elementGroups } from './elementwise.ts';

/**
 * y = scale · x, elementwise, also between f32 and f16; with `residual` y = residual + scale · x.
 * @param x, y [count] f32 or f16, different buffers
 * @param residual [count] f32; may be y
 */
export function addScaled(
  commands: Commands,
  {
    x,
    y,
    count,
    scale,
    residual = null,
  }: { x: Tensor; y: Tensor; count: number; scale: number; residual?: Tensor | null },
): void {
  const accumulates = residual?.buffer === y.buffer;
  const constants = {
    X: x.type,
    E: y.type,
    WG,
    SCALE: scale,
    ACCUMULATE: accumulates,
    RESIDUAL: residual !== null && !accumulates,
  };
  const tensors = { x, y, ...(residual && !accumulates && { residual }) };
  commands.run('add_scaled', constants, tensors, { count }, elementGroups(count));
}
