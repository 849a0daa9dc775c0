import type { Routing } from './routing.ts';

/** `routeTokens` in plain loops and f64. */
export function routeTokensRef(
  logits: ArrayLike<number>,
  rows: number,
  { experts, top, amongChosen }: Routing,
): { chosen: number[]; weights: number[] } {
  const chosen: number[] = [];
  const weights: number[] = [];
  for (let row = 0; row < rows; row++) {
    const own = Array.from({ length: experts }, (_, e) => logits[row * experts + e]!);
    const order = own.map((_, e) => e).sort((x, y) => own[y]! - own[x]! || x - y);
    const best = order.slice(0, top);
    const largest = own[order[0]!]!;
    const among = amongChosen ? best : order;
    const total = among.reduce((sum, e) => sum + Math.exp(own[e]! - largest), 0);
    chosen.push(...best);
    weights.push(...best.map((e) => Math.exp(own[e]! - largest) / total));
  }
  return { chosen, weights };
}

/** The gradient of the logits by the softmax's Jacobian. */
export function routeTokensBackwardRef(
  logits: ArrayLike<number>,
  dWeights: ArrayLike<number>,
  rows: number,
  routing: Routing,
): number[] {
  const { experts, top, amongChosen } = routing;
  const { chosen } = routeTokensRef(logits, rows, routing);
  const gradient: number[] = [];
  for (let row = 0; row < rows; row++) {
    const own = chosen.slice(row * top, (row + 1) * top);
    const among = amongChosen ? own : Array.from({ length: experts }, (_, e) => e);
    const shareOf = (e: number) => {
      const total = among.reduce(
        (sum, other) => sum + Math.exp(logits[row * experts + other]! - logits[row * experts + e]!),
        0,
      );
      return among.includes(e) ? 1 / total : 0;
    };
    for (let e = 0; e < experts; e++) {
      let sum = 0;
      own.forEach((other, j) => {
        sum += dWeights[row * top + j]! * shareOf(other) * ((other === e ? 1 : 0) - shareOf(e));
      });
      gradient.push(sum);
    }
  }
  return gradient;
}
