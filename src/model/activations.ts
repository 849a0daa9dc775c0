import type { ElementType, Tensor } from '../gpu/tensor.ts';
import type { Pass } from './pass.ts';

/** An activation that the backward pass of a block needs: the block's own where they are kept, else scratch of all. */
export function activation(
  { workspace, kept }: Pass,
  name: string,
  type: ElementType,
  shape: readonly number[],
): Tensor {
  return workspace.get(`${name}${kept}`, type, shape, kept ? 'kept' : 'activations');
}
