import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { ELEMENTWISE_THREADS as WG, elementGroups } from './elementwise.ts';

/**
 * Rounds f32 to packed f16 or bf16: nearest even, subnormals kept, overflow to infinity, NaN stays NaN.
 * @param x [count] f32
 * @param packed [⌈count/2⌉] u32, as in WeightChunk
 */
export function convertWeight(
  commands: Commands,
  { x, packed, count, format }: { x: Tensor; packed: Tensor; count: number; format: 'f16' | 'bf16' },
): void {
  const groups = elementGroups(Math.ceil(count / 2));
  commands.run('convert_weight', { W: format, WG }, { x, packed }, { count }, groups);
}
