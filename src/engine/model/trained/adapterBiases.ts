import type { PeftAdapter } from '../../../content/formats/peft.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { Tensor } from '../../gpu/tensor.ts';
import { upload } from '../../gpu/transfer.ts';
import type { FusedGroup } from '../spec/fusedProjections.ts';
import { keyOf } from './loraLayout.ts';

/** The trained biases of an adapter (PEFT's `bias`), which replace the model's own. */
export class AdapterBiases {
  /** [out] by module. */
  readonly values: NonNullable<PeftAdapter['biases']>;
  readonly #gpu: Gpu;
  /** By layer and path within the block. */
  readonly #tensors: ReadonlyMap<string, Tensor>;

  constructor(gpu: Gpu, values: NonNullable<PeftAdapter['biases']>) {
    this.#gpu = gpu;
    this.values = values;
    this.#tensors = new Map(
      [...values].map(([module, bias]) => {
        const tensor = gpu.memory.tensor('f32', [bias.length], 'trained bias', 'adapter');
        upload(gpu, tensor, bias);
        const [, layer, path] = /\.(\d+)\.(.+)$/.exec(module)!;
        return [keyOf(Number(layer), path!), tensor];
      }),
    );
  }

  /** Those of fused projections, each null where the model's own stays; null if there are none. */
  of(layer: number, { linears }: FusedGroup): readonly (Tensor | null)[] | null {
    if (this.#tensors.size === 0) return null;
    const found = linears.map(({ path }) => this.#tensors.get(keyOf(layer, path)) ?? null);
    return found.some((tensor) => tensor !== null) ? found : null;
  }

  dispose(): void {
    for (const tensor of this.#tensors.values()) this.#gpu.memory.free(tensor);
  }
}
