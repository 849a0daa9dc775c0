import type { Random } from '../../base/lib/random.ts';

/** Parameters for sampling the next token; temperature 0 is greedy. */
export interface SamplingOptions {
  temperature: number;
  /** Sample from the k likeliest tokens; 0 for all. */
  topK: number;
  /** Sample from the smallest set of tokens whose probabilities sum to p; 1 for all. */
  topP: number;
  /**
   * Divides the positive logits of tokens that the text so far has, prompt included, and multiplies the negative ones, as
   * in transformers; 1, the default, changes nothing.
   */
  repetitionPenalty?: number;
}

/** Applies the repetition penalty to logits [V], in place, for the ids that the text has so far. */
export function penalizeRepetition(logits: Float32Array, seen: Iterable<number>, penalty: number): void {
  for (const id of seen) {
    const logit = logits[id]!;
    logits[id] = logit > 0 ? logit / penalty : logit * penalty;
  }
}

/** Samples a token from logits [V] like transformers: temperature, then top-k, then top-p. Ties go to the lower id. */
export function sample(
  logits: Float32Array,
  { temperature, topK, topP }: SamplingOptions,
  random: Random,
): number {
  if (temperature <= 0 || topK === 1) return argmax(logits);
  const order = candidates(logits, topK, topP);
  const top = logits[order[0]!]!;
  const weights = order.map((id) => Math.exp((logits[id]! - top) / temperature));
  const count = topP < 1 ? nucleus(weights, topP) : weights.length;
  let total = 0;
  for (let i = 0; i < count; i++) total += weights[i]!;
  let rest = random.next() * total;
  for (let i = 0; i < count; i++) {
    rest -= weights[i]!;
    if (rest < 0) return order[i]!;
  }
  return order[count - 1]!;
}

/** The id of the largest logit. */
export function argmax(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  return best;
}

/** Token ids, sorted by likelihood if the order matters, cut to k. */
function candidates(logits: Float32Array, topK: number, topP: number): number[] {
  const ids = Array.from(logits.keys());
  const ordered = topP < 1 || (topK > 0 && topK < logits.length);
  if (!ordered) {
    // Only the largest must come first, to keep exp() in range.
    const best = argmax(logits);
    [ids[0], ids[best]] = [ids[best]!, ids[0]!];
    return ids;
  }
  ids.sort((a, b) => logits[b]! - logits[a]! || a - b);
  return topK > 0 ? ids.slice(0, topK) : ids;
}

/** How many of the sorted weights reach p of their sum; at least one. */
function nucleus(weights: readonly number[], p: number): number {
  const total = weights.reduce((a, b) => a + b, 0);
  let sum = 0;
  for (let i = 0; i < weights.length; i++) {
    sum += weights[i]!;
    if (sum >= p * total) return i + 1;
  }
  return weights.length;
}
