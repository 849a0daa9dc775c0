import type { ShaderConstants } from '../gpu/assemble.ts';
import type { Gpu } from '../gpu/device.ts';

/**
 * The constants of a kernel whose workgroups reduce as shaders/lib/reduce.wgsl does: on GPUs by subgroups of any sizes,
 * where shaders may use them. Processors' vectors are too narrow to gain from it.
 * @param threads per workgroup, a power of two
 * @param what is reduced in subgroups. Not sums whose bits must be those of another kernel: a compiler may order them
 *   otherwise in each, or choose subgroups of other sizes
 */
export function reductionOf(
  { kernelKind, hasSubgroups }: Pick<Gpu, 'kernelKind' | 'hasSubgroups'>,
  threads: number,
  what: 'all' | 'sums' | 'maxima' = 'all',
): ShaderConstants {
  const used = kernelKind === 'gpu' && hasSubgroups;
  return {
    WG: threads,
    ...(used && what !== 'maxima' && { SUM_IN_SUBGROUPS: true }),
    ...(used && what !== 'sums' && { MAX_IN_SUBGROUPS: true }),
  };
}
