/** Number of kernels with separate colours; the others share one. */
const COLOURED = 5;

/** The number of a kernel's colour (`data-colour`), by its rank in time. */
export function colourOf(kernels: readonly string[]): (kernel: string) => number {
  const ranks = new Map(kernels.slice(0, COLOURED).map((kernel, i) => [kernel, i + 1]));
  return (kernel) => ranks.get(kernel) ?? 0;
}
