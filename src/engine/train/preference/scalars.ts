/** A function's value and its derivative. */
export interface Sloped {
  value: number;
  slope: number;
}

export function sigmoid(x: number): number {
  return x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x));
}

/** log σ(x), exact also where σ(x) rounds to 0 or 1. */
export function logSigmoid(x: number): Sloped {
  return { value: Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x))), slope: sigmoid(-x) };
}

/** −(1 − ε) log σ(x) − ε log σ(−x): the logistic loss where a share ε of labels is taken to be wrong. */
export function smoothedLogistic(x: number, epsilon: number): Sloped {
  const [right, wrong] = [logSigmoid(x), logSigmoid(-x)];
  return {
    value: -(1 - epsilon) * right.value - epsilon * wrong.value,
    slope: -(1 - epsilon) * right.slope + epsilon * wrong.slope,
  };
}

/** max(0, 1 − x). */
export function hinge(x: number): Sloped {
  return x < 1 ? { value: 1 - x, slope: -1 } : { value: 0, slope: 0 };
}

/** log(p ÷ (1 − p)) of x = log p < 0, and its derivative 1 ÷ (1 − p). */
export function logOdds(x: number): Sloped {
  const rest = -Math.expm1(x);
  // Close to p = 0, 1 − p is best taken from p itself.
  const logRest = x < -Math.LN2 ? Math.log1p(-Math.exp(x)) : Math.log(rest);
  return { value: x - logRest, slope: 1 / rest };
}
