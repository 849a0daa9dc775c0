import { flatGroups } from './grid.ts';

/** Threads of a workgroup in kernels where one invocation handles one element; passed to them as `WG`. */
export const ELEMENTWISE_THREADS = 256;

/** Workgroups for `count` elements, one an invocation. */
export function elementGroups(count: number): [number, number] {
  return flatGroups(Math.ceil(count / ELEMENTWISE_THREADS));
}
