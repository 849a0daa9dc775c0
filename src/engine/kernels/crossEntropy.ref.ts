/** Losses [rows], times their weights if given, and d Σ losses·scale / d logits [rows, vocab], in f64. */
export function crossEntropyRef(
  logits: ArrayLike<number>,
  targets: ArrayLike<number>,
  vocab: number,
  scale: number,
  weights: ArrayLike<number> | null = null,
): { losses: Float64Array; dLogits: Float64Array } {
  const losses = new Float64Array(targets.length);
  const dLogits = new Float64Array(targets.length * vocab);
  for (let t = 0; t < targets.length; t++) {
    const row = Float64Array.from({ length: vocab }, (_, i) => logits[t * vocab + i]!);
    const max = row.reduce((a, b) => Math.max(a, b));
    const sum = row.reduce((s, v) => s + Math.exp(v - max), 0);
    const weight = weights ? weights[t]! : 1;
    losses[t] = weight * (max - row[targets[t]!]! + Math.log(sum));
    for (let i = 0; i < vocab; i++) {
      dLogits[t * vocab + i] = (Math.exp(row[i]! - max) / sum - Number(i === targets[t])) * scale * weight;
    }
  }
  return { losses, dLogits };
}
