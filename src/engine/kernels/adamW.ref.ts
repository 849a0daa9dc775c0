import type { AdamWStep } from './adamW.ts';

/** One step of torch.optim.AdamW after torch.nn.utils.clip_grad_norm_, in f64 and in place. */
export function adamWRef(
  state: { params: Float64Array; m: Float64Array; v: Float64Array },
  grads: ArrayLike<number>,
  { lr, beta1, beta2, eps, weightDecay, maxGradNorm, step }: AdamWStep,
): void {
  const { params, m, v } = state;
  const norm = gradNormRef(grads);
  const clip = maxGradNorm > 0 ? Math.min(1, maxGradNorm / (norm + 1e-6)) : 1;
  for (let i = 0; i < params.length; i++) {
    const grad = grads[i]! * clip;
    params[i]! *= 1 - lr * weightDecay;
    m[i] = beta1 * m[i]! + (1 - beta1) * grad;
    v[i] = beta2 * v[i]! + (1 - beta2) * grad * grad;
    const mHat = m[i]! / (1 - beta1 ** step);
    const vHat = v[i]! / (1 - beta2 ** step);
    params[i]! -= (lr * mHat) / (Math.sqrt(vHat) + eps);
  }
}

/** sqrt(Σ g²) in f64. */
export function gradNormRef(grads: ArrayLike<number>): number {
  return Math.sqrt(Array.from(grads).reduce((s, g) => s + g * g, 0));
}
