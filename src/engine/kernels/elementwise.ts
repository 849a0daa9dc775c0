import { flatGroups } from './grid.ts';

/** Threads per workgroup in kernels that process one element per invocation; passed to them as `WG`. */
export const ELEMENTWISE_THREADS = 256;

/** Workgroups for `count` elements, one per invocation. */
export function elementGroups(count: number): [number, number] {
  return flatGroups(Math.ceil(count / ELEMENTWISE_THREADS));
}
