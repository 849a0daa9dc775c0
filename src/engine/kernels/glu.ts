import type { Commands } from '../gpu/commands.ts';
import { reshape, type ElementType, type Tensor } from '../gpu/tensor.ts';
import { flatGroups, rowGroups } from './grid.ts';
import { reductionOf } from './reduction.ts';

const WG = 128;

/** SiLU, exact GELU, GELU by tanh, ReLU, and ReLU squared. */
export type Activation = 'silu' | 'gelu' | 'gelu_tanh' | 'relu' | 'relu2';

/** What an MLP does between its matrices: act(gate) · up (Shazeer, 2020), or act(up) alone. */
export interface GluForm {
  activation: Activation;
  gated: boolean;
}

/** Llama's: act(gate) · up with SiLU. */
export const swiglu: GluForm = { activation: 'silu', gated: true };

/**
 * h = act(gate) · up, or act(up) without a gate, elementwise.
 * @param gateUp f32 or f16: [rows, 2 · width], gate, then up in each row; [rows, width] without a gate
 * @param h [rows, width] of the same type
 */
export function glu(
  commands: Commands,
  { gateUp, h, rows, width, form }: { gateUp: Tensor; h: Tensor; rows: number; width: number; form: GluForm },
): void {
  const tensors = { gate_up: gateUp, h };
  const groups = rowGroups(Math.ceil(width / WG), rows);
  commands.run('glu', constantsOf(gateUp.type, form), tensors, { rows, width }, groups);
}

/** Row stride of dh. With f16, the f32 gradients of gate and up do not fit into gateUp, so dh's buffer holds both. */
export function gluGradientStride(type: ElementType, width: number, { gated }: GluForm): number {
  return type === 'f32' || !gated ? width : 2 * width;
}

/**
 * The gradients of `glu`, in place.
 * @param gateUp as in `glu`; overwritten if f32
 * @param dh [rows, width] f32 with row stride `gluGradientStride`; overwritten with f16
 * @returns f32 of the shape of gateUp, the gradients of gate and up in each row: in the buffer of gateUp (f32) or of dh
 *   (f16)
 */
export function gluBackward(
  commands: Commands,
  {
    gateUp,
    dh,
    rows,
    width,
    form,
  }: { gateUp: Tensor; dh: Tensor; rows: number; width: number; form: GluForm },
): Tensor {
  const { type } = gateUp;
  const groups = rowGroups(Math.ceil(width / WG), rows);
  commands.run('glu_backward', constantsOf(type, form), { gate_up: gateUp, d: dh }, { rows, width }, groups);
  return reshape(type === 'f32' ? gateUp : dh, [rows, (form.gated ? 2 : 1) * width]);
}

/** The weight of each row: `weights` at its pair. */
export interface WeighedRows {
  /** [pairs] f32 */
  weights: Tensor;
  /** [rows] u32 */
  pairs: Tensor;
}

/** h = weight · act(gate) · up, as `glu`; the weight of an expert is linear in all that follows. */
export function weighedGlu(
  commands: Commands,
  tensors: { gateUp: Tensor; h: Tensor; rows: number; width: number; form: GluForm } & WeighedRows,
): void {
  const { gateUp, h, rows, width, form, weights, pairs } = tensors;
  const groups = rowGroups(Math.ceil(width / WG), rows);
  const constants = { ...constantsOf(gateUp.type, form), WEIGHED: true };
  commands.run('glu', constants, { gate_up: gateUp, h, weights, pairs }, { rows, width }, groups);
}

/**
 * The gradients of `weighedGlu`, in place as those of `glu`, and of the weights.
 * @param dWeights [pairs] f32
 */
export function weighedGluBackward(
  commands: Commands,
  tensors: {
    gateUp: Tensor;
    dh: Tensor;
    dWeights: Tensor;
    rows: number;
    width: number;
    form: GluForm;
  } & WeighedRows,
): Tensor {
  const { gateUp, dh, dWeights, rows, width, form, weights, pairs } = tensors;
  const { type } = gateUp;
  const bound = { gate_up: gateUp, d: dh, weights, pairs, d_weights: dWeights };
  const constants = { E: type, ACT: form.activation, ...reductionOf(commands.gpu, WG, 'sums') };
  commands.run('expert_glu_backward', constants, bound, { rows, width }, flatGroups(rows));
  return reshape(type === 'f32' ? gateUp : dh, [rows, 2 * width]);
}

function constantsOf(type: ElementType, { activation, gated }: GluForm) {
  return { E: type, WG, ACT: activation, GATED: gated };
}
