/** A seeded random number generator; the same seed gives the same numbers on every machine. */
export interface Random {
  /** Uniform in [0, 1), 53 bits. */
  next(): number;
  /** Uniform in [0, 2^32), an integer. */
  uint32(): number;
  /** Uniform integer in [0, n), without modulo bias; n in [1, 2^32]. */
  below(n: number): number;
  /** Standard normal (mean 0, variance 1). */
  normal(): number;
  /** An independent generator for `label`. It depends only on the seed and the label, not on earlier draws. */
  fork(label: string | number): Random;
}

/**
 * Creates a xoshiro128** generator (Blackman & Vigna, 2018), its state filled from `seed` by splitmix32.
 * Any finite number is a seed; integers up to 2^53 all differ.
 */
export function createRandom(seed: number): Random {
  const high = Math.floor(seed / 2 ** 32) >>> 0;
  return fromKey(mix(mix(0x9e3779b9, seed >>> 0), high));
}

/** Shuffles `items` in place (Fisher–Yates) and returns it. */
export function shuffle<Items extends unknown[] | Uint32Array>(items: Items, random: Random): Items {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const swapped = items[i];
    items[i] = items[j];
    items[j] = swapped;
  }
  return items;
}

function fromKey(key: readonly [number, number]): Random {
  let counter = key[0];
  const fill = () => {
    counter = (counter + 0x9e3779b9) >>> 0;
    return (finalize(counter) ^ finalize((counter ^ key[1]) >>> 0)) >>> 0;
  };
  let [a, b, c, d] = [fill(), fill(), fill(), fill()];
  // The all-zero state is the one fixed point of xoshiro.
  if ((a | b | c | d) === 0) d = 1;
  let spare: number | null = null;

  const uint32 = () => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const next = () => ((uint32() >>> 5) * 2 ** 26 + (uint32() >>> 6)) / 2 ** 53;

  return {
    uint32,
    next,
    below(n) {
      // Values past the last whole multiple of n would favour small results: draw again.
      const limit = 2 ** 32 - (2 ** 32 % n);
      let value = uint32();
      while (value >= limit) value = uint32();
      return value % n;
    },
    normal() {
      if (spare !== null) {
        const value = spare;
        spare = null;
        return value;
      }
      // Box–Muller; 1 − next() is never 0, so the logarithm is finite.
      const radius = Math.sqrt(-2 * Math.log(1 - next()));
      const angle = 2 * Math.PI * next();
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
    fork(label) {
      let forked: readonly [number, number] = key;
      // The type is part of the label, so that fork(1) and fork('1') differ.
      for (const char of `${typeof label}:${label}`) forked = mix(forked, char.codePointAt(0) ?? 0);
      return fromKey(forked);
    },
  };
}

/** Mixes a word into a 64-bit key held as two words. */
function mix(key: number | readonly [number, number], word: number): readonly [number, number] {
  const [x, y] = typeof key === 'number' ? [key, ~key >>> 0] : key;
  const left = finalize((x ^ Math.imul(word, 0x85ebca6b)) >>> 0);
  const right = finalize((y + Math.imul(word ^ left, 0xc2b2ae35)) >>> 0);
  return [(left + right) >>> 0, (right ^ (left << 1)) >>> 0];
}

/** The finalizer of MurmurHash3: every input bit reaches every output bit. */
function finalize(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
