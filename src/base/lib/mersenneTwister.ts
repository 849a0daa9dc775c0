const [N, M] = [624, 397];

/**
 * The Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998), for what draws the numbers that another program draws;
 * anything else takes `createRandom`.
 */
export class MersenneTwister {
  readonly #state: Uint32Array;
  #at = N;

  private constructor(state: Uint32Array) {
    this.#state = state;
  }

  /** Seeded as `init_genrand` of the reference does. @param seed a whole number; its low 32 bits count */
  static ofNumber(seed: number): MersenneTwister {
    return new MersenneTwister(stateOf(seed));
  }

  /** Seeded as `init_by_array` of the reference does, by an array of one number. @param seed below 2^32 */
  static ofArray(seed: number): MersenneTwister {
    const state = stateOf(19_650_218);
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
    return new MersenneTwister(state);
  }

  /** The next number, of 32 bits. */
  uint32(): number {
    if (this.#at === N) this.#twist();
    let y = this.#state[this.#at++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < N; i++) {
      const y = (state[i]! & 0x8000_0000) | (state[(i + 1) % N]! & 0x7fff_ffff);
      state[i] = state[(i + M) % N]! ^ (y >>> 1) ^ (y & 1 ? 0x9908_b0df : 0);
    }
    this.#at = 0;
  }
}

function stateOf(seed: number): Uint32Array {
  const state = new Uint32Array(N);
  state[0] = seed % 2 ** 32;
  for (let i = 1; i < N; i++) state[i] = Math.imul(1_812_433_253, mixed(state, i)) + i;
  return state;
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
