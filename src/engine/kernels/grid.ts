/** Workgroups for `count` one-dimensional groups, spread over x and y (at most 65,535 each); see lib/grid.wgsl. */
export function flatGroups(count: number): [number, number] {
  const x = Math.min(count, 65535);
  return [x, x === 0 ? 0 : Math.ceil(count / x)];
}

/**
 * Workgroups for `rows` rows of `across` each, so that threads know their row without a division; see lib/grid.wgsl.
 */
export function rowGroups(across: number, rows: number): [number, number, number] {
  const [y, z] = flatGroups(rows);
  return [across, y, z];
}
