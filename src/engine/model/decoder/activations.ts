import type { ElementType, Tensor } from '../../gpu/tensor.ts';
import type { Pass } from './pass.ts';

/**
 * An activation [shape] that a block's backward pass needs: stored per block if the pass stores activations, else in
 * scratch memory shared by all blocks.
 */
export function activation(
  { workspace, activationSuffix }: Pass,
  name: string,
  type: ElementType,
  shape: readonly number[],
): Tensor {
  return workspace.get(`${name}${activationSuffix}`, type, shape, activationSuffix ? 'kept' : 'activations');
}
