import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { ELEMENTWISE_THREADS as WG, elementGroups } from './elementwise.ts';

/**
 * h = silu(gate) · up (Shazeer, 2020), element by element.
 * @param gate, up, h [count] all f32 or all f16
 */
export function swiglu(
  commands: Commands,
  { gate, up, h, count }: { gate: Tensor; up: Tensor; h: Tensor; count: number },
): void {
  commands.run('swiglu', { E: gate.type, WG }, { gate, up, h }, { count }, elementGroups(count));
}

/**
 * The gradients of `swiglu`.
 * @param dh [count] f32
 * @param gate, up [count] both f32 or both f16
 * @param dGate, dUp [count] f32, overwritten; buffers other than dh's
 */
export function swigluBackward(
  commands: Commands,
  tensors: { dh: Tensor; gate: Tensor; up: Tensor; dGate: Tensor; dUp: Tensor; count: number },
): void {
  const { dh, gate, up, dGate, dUp, count } = tensors;
  const bound = { dh, gate, up, d_gate: dGate, d_up: dUp };
  commands.run('swiglu_backward', { E: gate.type, WG }, bound, { count }, elementGroups(count));
}
