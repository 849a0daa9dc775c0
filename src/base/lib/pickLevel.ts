/**
 * Picks the first memory level that fits into a budget; null if none does.
 * @param levels each with less memory than the one before
 * @param budget bytes of GPU memory; 0 for no limit
 */
export function pickLevel<R extends { memory: { total: number } }>(
  levels: readonly R[],
  budget: number,
): R | null {
  return (budget === 0 ? levels[0] : levels.find(({ memory }) => memory.total <= budget)) ?? null;
}
