/** Workgroups for `count` one-dimensional groups, laid over x and y (65,535 at most each); see lib/grid.wgsl. */
export function flatGroups(count: number): [number, number] {
  const x = Math.min(count, 65535);
  return [x, x === 0 ? 0 : Math.ceil(count / x)];
}
