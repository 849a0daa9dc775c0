import type { Commands } from '../gpu/commands.ts';
import { elementsOf, type Tensor } from '../gpu/tensor.ts';
import { elementGroups, ELEMENTWISE_THREADS as WG } from './elementwise.ts';

/**
 * Rounds f32 to f16, to nearest even; what exceeds f16 saturates. Needs no f16 in shaders.
 * @param x f32
 * @param y u32 [⌈elements of x / 2⌉], two halves a word, the first in the lower
 */
export function roundToF16(commands: Commands, { x, y }: { x: Tensor; y: Tensor }): void {
  const count = elementsOf(x);
  commands.run('round_to_f16', { WG }, { x, y }, { count }, elementGroups(Math.ceil(count / 2)));
}
