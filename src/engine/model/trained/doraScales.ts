import type { Gpu } from '../../gpu/device.ts';
import type { Tensor } from '../../gpu/tensor.ts';
import { upload } from '../../gpu/transfer.ts';

/** DoRA's scales of fused projections; those without an adapter have ones. */
export interface DoraGroupScales {
  /** [width] f32: ‖W + scale · B · A‖₂ of each output. */
  norms: Tensor;
  /** [width] f32: magnitude / norm. */
  factors: Tensor;
}

/**
 * The norms of all weights with DoRA and what their outputs are multiplied by, as far as they are known: they change
 * with the parameters, that is with each step, but not from one token to the next.
 */
export class DoraScales {
  readonly #gpu: Gpu;
  readonly #groups = new Map<string, DoraGroupScales>();
  /** The strength that a group's scales are for. */
  readonly #known = new Map<string, number>();

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** The scales of a group by a key of its own; `width` is the same in every call. */
  get(key: string, width: number): DoraGroupScales {
    let found = this.#groups.get(key);
    if (!found) this.#groups.set(key, (found = { norms: this.#ones(width), factors: this.#ones(width) }));
    return found;
  }

  #ones(width: number): Tensor {
    const tensor = this.#gpu.memory.tensor('f32', [width], 'dora scales', 'adapter');
    upload(this.#gpu, tensor, new Float32Array(width).fill(1));
    return tensor;
  }

  /** Whether a group's scales have to be computed for a strength; from now on they count as known. */
  takeStale(key: string, strength: number): boolean {
    if (this.#known.get(key) === strength) return false;
    this.#known.set(key, strength);
    return true;
  }

  /** The parameters may have changed: nothing is known. */
  forget(): void {
    this.#known.clear();
  }

  dispose(): void {
    for (const { norms, factors } of this.#groups.values()) {
      this.#gpu.memory.free(norms);
      this.#gpu.memory.free(factors);
    }
  }
}
