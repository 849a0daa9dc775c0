/** Subgroups up to this size are taken for vectors of a processor. */
const NARROW_SUBGROUP = 8;

/**
 * Whether shaders run on a processor's vectors, where workgroup memory is as slow as any, barriers are slow and
 * threads are one after the other.
 * @param subgroup threads of a subgroup, or null where shaders cannot use them
 */
export function isNarrow(subgroup: number | null): subgroup is number {
  return subgroup !== null && subgroup <= NARROW_SUBGROUP;
}
