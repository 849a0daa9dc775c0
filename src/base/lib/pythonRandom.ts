import { MersenneTwister } from './mersenneTwister.ts';

/** Python's `random.Random(seed)` as far as `sample` goes, seeded as CPython seeds it. */
export class PythonRandom {
  readonly #numbers: MersenneTwister;

  /** @param seed a whole number below 2^32 */
  constructor(seed: number) {
    this.#numbers = MersenneTwister.ofArray(seed);
  }

  /** `random.sample(range(count), k)`: k different numbers below `count`, in the order in which they are drawn. */
  sample(count: number, k: number): number[] {
    const drawn: number[] = [];
    // CPython keeps a list of what is left where that takes less memory than a set of what is drawn.
    const setSize = 21 + (k > 5 ? 4 ** Math.ceil(Math.log(k * 3) / Math.log(4)) : 0);
    if (count <= setSize) {
      const left = Array.from({ length: count }, (_, i) => i);
      for (let i = 0; i < k; i++) {
        const at = this.#below(count - i);
        drawn.push(left[at]!);
        left[at] = left[count - i - 1]!;
      }
      return drawn;
    }
    const taken = new Set<number>();
    while (drawn.length < k) {
      const one = this.#below(count);
      if (taken.has(one)) continue;
      taken.add(one);
      drawn.push(one);
    }
    return drawn;
  }

  /** `_randbelow`: bits of a draw until they are less than n, which is at least 1. */
  #below(n: number): number {
    const bits = 32 - Math.clz32(n);
    for (;;) {
      const drawn = this.#numbers.uint32() >>> (32 - bits);
      if (drawn < n) return drawn;
    }
  }
}
