import type { Gpu } from '../../gpu/device.ts';
import type { Tensor } from '../../gpu/tensor.ts';
import { upload } from '../../gpu/transfer.ts';
import type { Rotation } from '../../kernels/rope.ts';
import {
  ropeFrequencies,
  ropeLengthLimit,
  ropeMagnitude,
  type RopeFrequencies,
} from '../../kernels/ropeFrequencies.ts';
import type { DecoderSpec } from '../spec/spec.ts';

/** The frequencies of one rotary embedding on the GPU: of short sequences, and of those beyond a limit. */
interface Uploaded {
  limit: number;
  short: Rotation;
  long: Rotation;
}

/** The rotary embeddings of a decoder: those that its layers have, each once. */
export class Rotations {
  readonly #gpu: Gpu;
  readonly #spec: DecoderSpec;
  readonly #tensors: Tensor[] = [];
  readonly #uploaded = new Map<RopeFrequencies, Uploaded>();

  constructor(gpu: Gpu, spec: DecoderSpec) {
    this.#gpu = gpu;
    this.#spec = spec;
    for (let layer = 0; layer < spec.layers; layer++) {
      const rope = spec.ropeOf(layer);
      if (rope && !this.#uploaded.has(rope)) this.#uploaded.set(rope, this.#upload(rope));
    }
  }

  /**
   * How the heads of each layer turn in a pass.
   * @param length tokens of its longest sequence, what is cached included
   */
  at(length: number): (layer: number) => Rotation | null {
    return (layer) => {
      const rope = this.#spec.ropeOf(layer);
      const uploaded = rope && this.#uploaded.get(rope);
      if (!uploaded) return null;
      return length > uploaded.limit ? uploaded.long : uploaded.short;
    };
  }

  /** The length beyond which what turned before it turns otherwise; infinite in most models. */
  get lengthLimit(): number {
    return Math.min(...[...this.#uploaded.values()].map(({ limit }) => limit), Infinity);
  }

  dispose(): void {
    for (const tensor of this.#tensors) this.#gpu.memory.free(tensor);
  }

  #upload(rope: RopeFrequencies): Uploaded {
    const limit = ropeLengthLimit(rope.scaling) ?? Infinity;
    const short = this.#rotation(rope, 0);
    return { limit, short, long: limit === Infinity ? short : this.#rotation(rope, limit + 1) };
  }

  #rotation(rope: RopeFrequencies, length: number): Rotation {
    const frequencies = ropeFrequencies(rope, length);
    const inverseFrequencies = this.#gpu.memory.tensor('f32', [frequencies.length], 'rope frequencies');
    upload(this.#gpu, inverseFrequencies, frequencies);
    this.#tensors.push(inverseFrequencies);
    return { inverseFrequencies, magnitude: ropeMagnitude(rope.scaling), ...this.#spec.rotation };
  }
}
