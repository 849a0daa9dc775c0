/** Kernels with a colour of their own; the others share one. */
const COLOURED = 5;

/** The number of a kernel's colour (`data-colour`), by its place among those that take longest. */
export function colourOf(kernels: readonly string[]): (kernel: string) => number {
  const places = new Map(kernels.slice(0, COLOURED).map((kernel, i) => [kernel, i + 1]));
  return (kernel) => places.get(kernel) ?? 0;
}
