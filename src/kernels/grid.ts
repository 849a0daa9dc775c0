/** Workgroups for `count` one-dimensional groups, laid over x and y (65,535 at most each); see lib/grid.wgsl. */
export function flatGroups(count: number): [number, number] {
  const x = Math.min(count, 65535);
  return [x, x === 0 ? 0 : Math.ceil(count / x)];
}

/** Workgroups for `rows` rows of `across` each: a thread needs no division to know its row; see lib/grid.wgsl. */
export function rowGroups(across: number, rows: number): [number, number, number] {
  const [y, z] = flatGroups(rows);
  return [across, y, z];
}
