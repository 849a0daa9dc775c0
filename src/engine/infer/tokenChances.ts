/** How likely a token was, among the likeliest at its place. */
export interface TokenChances {
  /** Probability of the token that was chosen. */
  p: number;
  /** The likeliest tokens, the first first; ties go to the lower id. */
  likeliest: { id: number; p: number }[];
}

/**
 * The model's probabilities at a place: the softmax of its logits as they are, before temperature, penalties and cuts.
 * @param logits [V]
 * @param count how many of the likeliest
 */
export function tokenChances(logits: Float32Array, chosen: number, count: number): TokenChances {
  const largest: number[] = [];
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!;
    if (largest.length === count && !(logit > logits[largest.at(-1)!]!)) continue;
    let at = largest.length;
    while (at > 0 && logit > logits[largest[at - 1]!]!) at--;
    largest.splice(at, 0, id);
    if (largest.length > count) largest.pop();
  }
  const top = logits[largest[0] ?? chosen]!;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - top);
  const p = (id: number) => Math.exp(logits[id]! - top) / sum;
  return { p: p(chosen), likeliest: largest.map((id) => ({ id, p: p(id) })) };
}
