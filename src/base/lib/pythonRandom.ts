const [N, M] = [624, 397];

/**
 * Python's `random.Random(seed)` as far as `sample` goes: the Mersenne Twister (Matsumoto & Nishimura, 1998), seeded by an
 * array as CPython seeds it. It is here to draw what a Python program draws; anything else takes `createRandom`.
 */
export class PythonRandom {
  readonly #state = new Uint32Array(N);
  #at = N;

  /** @param seed a whole number below 2^32 */
  constructor(seed: number) {
    const state = this.#state;
    state[0] = 19_650_218;
    for (let i = 1; i < N; i++) state[i] = Math.imul(1_812_433_253, mixed(state, i)) + i;
    let i = 1;
    for (let rounds = N; rounds > 0; rounds--) {
      state[i] = (state[i]! ^ Math.imul(mixed(state, i), 1_664_525)) + seed;
      i = next(state, i);
    }
    for (let rounds = N - 1; rounds > 0; rounds--) {
      state[i] = (state[i]! ^ Math.imul(mixed(state, i), 1_566_083_941)) - i;
      i = next(state, i);
    }
    state[0] = 0x8000_0000;
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
      const drawn = this.#uint32() >>> (32 - bits);
      if (drawn < n) return drawn;
    }
  }

  #uint32(): number {
    const state = this.#state;
    if (this.#at === N) {
      for (let i = 0; i < N; i++) {
        const y = (state[i]! & 0x8000_0000) | (state[(i + 1) % N]! & 0x7fff_ffff);
        state[i] = state[(i + M) % N]! ^ (y >>> 1) ^ (y & 1 ? 0x9908_b0df : 0);
      }
      this.#at = 0;
    }
    let y = state[this.#at++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    return (y ^ (y >>> 18)) >>> 0;
  }
}

function mixed(state: Uint32Array, i: number): number {
  return state[i - 1]! ^ (state[i - 1]! >>> 30);
}

/** The next place, from 1 on; at the end the last becomes the first. */
function next(state: Uint32Array, i: number): number {
  if (i + 1 < N) return i + 1;
  state[0] = state[N - 1]!;
  return 1;
}
