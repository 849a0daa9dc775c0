/**
 * Which of the ways to run something a budget gets: the first whose memory fits, null where none does.
 * @param rungs each with less memory than the one before, @param budget bytes of GPU memory; 0 for no limit
 */
export function rungFor<R extends { memory: { total: number } }>(
  rungs: readonly R[],
  budget: number,
): R | null {
  return (budget === 0 ? rungs[0] : rungs.find(({ memory }) => memory.total <= budget)) ?? null;
}
