import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { rowGroups } from './grid.ts';

const WG = 128;

/** Gates of the heads of attention, each behind its head's query in what q_proj computes. */
export interface OutputGate {
  /** T */
  rows: number;
  heads: number;
  /** D */
  headDim: number;
  /** [T, heads, D] f32 or f16, the output of attention. */
  o: Tensor;
  /** [T, stride] of the type of o. */
  raw: Tensor;
  stride: number;
}

/**
 * y = o · sigmoid(gate).
 * @param y in the layout of o
 */
export function outputGate(commands: Commands, { y, ...gate }: OutputGate & { y: Tensor }): void {
  run(commands, 'output_gate', gate, { y });
}

/**
 * The gradient of `outputGate`.
 * @param d [T, heads, D] f32: d loss/d y in, d loss/d o out
 * @param dRaw [T, stride] f32, of which the columns of the gates are written
 */
export function outputGateBackward(
  commands: Commands,
  { d, dRaw, ...gate }: OutputGate & { d: Tensor; dRaw: Tensor },
): void {
  run(commands, 'output_gate_backward', gate, { d, d_raw: dRaw });
}

function run(
  commands: Commands,
  shader: string,
  { rows, heads, headDim, o, raw, stride }: OutputGate,
  tensors: Record<string, Tensor>,
): void {
  const constants = { E: o.type, WG, HEADS: heads, D: headDim };
  const groups = rowGroups(Math.ceil((heads * headDim) / WG), rows);
  commands.run(shader, constants, { o, raw, ...tensors }, { rows, stride }, groups);
}
