import { MersenneTwister } from '../../base/lib/mersenneTwister.ts';

/** Bits of a uniform f32 of PyTorch. */
const BITS = 24;

/**
 * The random numbers of PyTorch's CPU generator, as `torch.manual_seed(seed)` starts it: `torch.rand` of f32 takes the low
 * 24 bits of one number for each element.
 */
export class TorchRandom {
  readonly #numbers: MersenneTwister;

  /** @param seed a whole number from 0; its low 32 bits count */
  constructor(seed: number) {
    this.#numbers = MersenneTwister.ofNumber(seed);
  }

  /** Leaves out as many numbers. */
  skip(count: number): void {
    for (let i = 0; i < count; i++) this.#numbers.uint32();
  }

  /** The next number from 0 to below 1. */
  uniform(): number {
    return (this.#numbers.uint32() % 2 ** BITS) / 2 ** BITS;
  }
}
