import type { Commands } from '../gpu/commands.ts';
import { reshape, type ElementType, type Tensor } from '../gpu/tensor.ts';
import { rowGroups } from './grid.ts';

const WG = 128;

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
  const groups = rowGroups(Math.ceil(width / WG), rows);
  commands.run('swiglu', { E: gateUp.type, WG }, tensors, { rows, width }, groups);
}

/** Elements between rows of the gradient of h: where gate and up are f16, there is no room for theirs but beside it. */
export function swigluGradientStride(type: ElementType, width: number): number {
  return type === 'f32' ? width : 2 * width;
}

/**
 * The gradients of `swiglu`, in place.
 * @param gateUp as in `swiglu`; f32 is overwritten
 * @param dh [rows, width] f32 in rows of `swigluGradientStride`; with f16 it is overwritten
 * @returns [rows, 2 · width] f32, the gradients of gate and of up in every row: in the place of gateUp, or else of dh
 */
export function swigluBackward(
  commands: Commands,
  { gateUp, dh, rows, width }: { gateUp: Tensor; dh: Tensor; rows: number; width: number },
): Tensor {
  const { type } = gateUp;
  const groups = rowGroups(Math.ceil(width / WG), rows);
  commands.run('swiglu_backward', { E: type, WG }, { gate_up: gateUp, d: dh }, { rows, width }, groups);
  return reshape(type === 'f32' ? gateUp : dh, [rows, 2 * width]);
}
