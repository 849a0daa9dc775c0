import type { Gpu } from '../gpu/device.ts';

/** Cores that share no workgroup memory (NVIDIA’s SMs, AMD’s compute units, Intel’s and Apple’s cores), by vendor. */
const TYPICAL_CORES: readonly (readonly [RegExp, number])[] = [
  [/nvidia/i, 64],
  [/\bamd\b|radeon/i, 40],
  [/apple/i, 16],
  [/intel/i, 16],
  [/\barm\b|mali|qualcomm|adreno|imagination|img-tec/i, 8],
];

/** How many cores a grid of workgroups should keep busy: those of a usual GPU of its vendor, which is all a page knows. */
export function coresOf({ description }: Pick<Gpu, 'description'>): number {
  return TYPICAL_CORES.find(([vendor]) => vendor.test(description))?.[1] ?? 32;
}
