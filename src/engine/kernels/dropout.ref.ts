import { dropoutThreshold } from './dropout.ts';

function pcg(value: number): number {
  const state = (Math.imul(value, 747796405) + 2891336453) >>> 0;
  const word = Math.imul(((state >>> ((state >>> 28) + 4)) ^ state) >>> 0, 277803737) >>> 0;
  return ((word >>> 22) ^ word) >>> 0;
}

/** Same bits as `random_bits` in lib/pcg.wgsl. */
export function randomBits(seed: number, index: number): number {
  return pcg((pcg(index) + pcg(seed)) >>> 0);
}

/** Dropout's mask: true for elements that survive. */
export function dropoutMask(seed: number, count: number, p: number): boolean[] {
  const threshold = dropoutThreshold(p);
  return Array.from({ length: count }, (_, i) => randomBits(seed, i) >= threshold);
}
