import type { LogitForm } from './logits.ts';

/** A logit in f64, and its derivative by the head's product. */
export function logitRef(product: number, { multiplier, cap }: LogitForm): { value: number; slope: number } {
  if (cap === 0) return { value: product * multiplier, slope: multiplier };
  const t = Math.tanh((product * multiplier) / cap);
  return { value: cap * t, slope: multiplier * (1 - t * t) };
}
