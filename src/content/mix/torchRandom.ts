const SIZE = 624;
const SHIFT = 397;
const UPPER = 0x80000000;
const LOWER = 0x7fffffff;
const MATRIX = 0x9908b0df;
/** Bits of a uniform f32 of PyTorch. */
const BITS = 24;

/**
 * The random numbers of PyTorch's CPU generator (Mersenne Twister, Matsumoto and Nishimura 1998), as
 * `torch.manual_seed(seed)` starts it: `torch.rand` of f32 takes the low 24 bits of one number for each element.
 */
export class TorchRandom {
  readonly #state = new Uint32Array(SIZE);
  #next = SIZE;

  /** @param seed a whole number from 0; its low 32 bits count */
  constructor(seed: number) {
    const state = this.#state;
    state[0] = seed % 2 ** 32;
    for (let i = 1; i < SIZE; i++) {
      const before = state[i - 1]! ^ (state[i - 1]! >>> 30);
      state[i] = Math.imul(before, 1_812_433_253) + i;
    }
  }

  /** Leaves out as many numbers. */
  skip(count: number): void {
    for (let i = 0; i < count; i++) this.#word();
  }

  /** The next number from 0 to below 1. */
  uniform(): number {
    return (this.#word() % 2 ** BITS) / 2 ** BITS;
  }

  #word(): number {
    if (this.#next === SIZE) this.#twist();
    let y = this.#state[this.#next++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < SIZE; i++) {
      const y = (state[i]! & UPPER) | (state[(i + 1) % SIZE]! & LOWER);
      state[i] = state[(i + SHIFT) % SIZE]! ^ (y >>> 1) ^ (y & 1 ? MATRIX : 0);
    }
    this.#next = 0;
  }
}
