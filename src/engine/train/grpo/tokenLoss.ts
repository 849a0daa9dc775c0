/** A token's part of the loss, and its derivative with respect to the token's log-probability. */
export interface TokenLoss {
  value: number;
  slope: number;
  /** r · k3: how far the model is from the reference at this token. */
  kl: number;
  /** Its probability has moved beyond the clip range, in the direction that its advantage pushes. */
  clipped: boolean;
}

/**
 * The loss of a token of a completion: −min(r · A, clip(r, 1 − ε, 1 + ε) · A) + β · r · k3, r being how much likelier it
 * is now than when it was sampled.
 * @param logp log-probability now, @param sampled when it was sampled, @param reference by the model without adapter
 */
export function tokenLoss(
  logp: number,
  sampled: number,
  reference: number | null,
  { advantage, epsilon, beta }: { advantage: number; epsilon: number; beta: number },
): TokenLoss {
  const ratio = Math.exp(logp - sampled);
  const bounded = Math.min(Math.max(ratio, 1 - epsilon), 1 + epsilon);
  const clipped = advantage > 0 ? ratio > 1 + epsilon : advantage < 0 && ratio < 1 - epsilon;
  const value = -Math.min(ratio * advantage, bounded * advantage);
  const slope = clipped ? 0 : -ratio * advantage;
  if (reference === null) return { value, slope, kl: 0, clipped };
  const gap = reference - logp;
  const kl = ratio * (Math.expm1(gap) - gap);
  // The derivative of ratio · k3: that of the divergence itself, without bias.
  return { value: value + beta * kl, slope: slope - beta * ratio * gap, kl, clipped };
}
