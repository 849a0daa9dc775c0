import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { ELEMENTWISE_THREADS as WG, elementGroups } from './elementwise.ts';

/**
 * h = silu(gate) · up (Shazeer, 2020), element by element.
 * @param gateUp [rows, 2 · width] f32 or f16: gate, then up in every row
 * @param h [rows, width] of the same type
 */
export function swiglu(
  commands: Commands,
  { gateUp, h, rows, width }: { gateUp: Tensor; h: Tensor; rows: number; width: number },
): void {
  const tensors = { gate_up: gateUp, h };
  commands.run('swiglu', { E: gateUp.type, WG }, tensors, { rows, width }, elementGroups(rows * width));
}

/**
 * The gradients of `swiglu`, in place.
 * @param gateUp as in `swiglu`
 * @param d [rows, 2 · width] f32: the gradient of h in the first half of each row; then those of gate and of up
 */
export function swigluBackward(
  commands: Commands,
  { gateUp, d, rows, width }: { gateUp: Tensor; d: Tensor; rows: number; width: number },
): void {
  const tensors = { gate_up: gateUp, d };
  commands.run(
    'swiglu_backward',
    { E: gateUp.type, WG },
    tensors,
    { rows, width },
    elementGroups(rows * width),
  );
}
