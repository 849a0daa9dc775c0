/**
 * Which kernels an adapter takes, wherever there are several of an operation:
 *   gpu: those written for GPUs, which hold tiles in registers and workgroup memory
 *   vectors: those for processors whose vectors are subgroups, where workgroup memory is no faster than other memory, barriers
 *     are slow and the threads of a workgroup run one after the other
 *   software: plain tiles, for processors whose vectors shaders cannot use
 */
export type KernelKind = 'gpu' | 'vectors' | 'software';

/** Subgroups up to this size are assumed to be a processor's vectors. */
const NARROW_SUBGROUP = 8;

/** Names that processors give their adapters. */
const SOFTWARE = /\b(software|swiftshader|llvmpipe|lavapipe|basic render)\b/i;

/**
 * The one place that decides. An adapter without subgroups of one size says by its name alone what it is.
 * @param subgroupSize threads of a subgroup where all have the same size, else null
 */
export function kernelKindOf(subgroupSize: number | null, description: string): KernelKind {
  if (subgroupSize === null) return SOFTWARE.test(description) ? 'software' : 'gpu';
  return subgroupSize <= NARROW_SUBGROUP ? 'vectors' : 'gpu';
}
