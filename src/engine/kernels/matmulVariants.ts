import type { ShaderConstants } from '../gpu/assemble.ts';
import type { Product } from '../gpu/choices.ts';
import type { Gpu } from '../gpu/device.ts';
import { coresOf } from './cores.ts';

/** How the two factors are stored: NT is X·Wᵀ, NN is dY·W, TN is dYᵀ·X. */
export type MatmulLayout = Product['layout'];

/** What the choice of a kernel for a product depends on. */
export interface MatmulProblem {
  layout: MatmulLayout;
  /** Sizes of the largest member if fused projections share a dispatch. */
  m: number;
  n: number;
  k: number;
  /** How 4-bit codes of w are decoded, by a scale or a codebook; null for floats. */
  codes: 'scaled' | 'codebook' | null;
  /** Whether a and w are stored in f16. */
  halves: { a: boolean; w: boolean };
}

/** A matmul kernel: its shader and constants, and the rows and columns of c per workgroup. */
export interface MatmulKernel {
  shader: 'matmul_gpu' | 'matmul_tile' | 'matmul_split' | 'matmul_subgroup';
  constants: ShaderConstants;
  rows: number;
  columns: number;
}

type Variant = (problem: MatmulProblem, subgroup: number) => MatmulKernel;

function tile(BM: number, BN: number, BK: number, TM: number, TV: number): Variant {
  return () => ({ shader: 'matmul_tile', constants: { BM, BN, BK, TM, TV }, rows: BM, columns: BN });
}

/** The same for GPUs, with all that indexes registers unrolled: for products too narrow for `matmul_gpu`. */
function unrolled(BM: number, BN: number): Variant {
  const constants = { BM, BN, BK: 16, TM: 4, TV: 1, UNROLLED: true };
  return () => ({ shader: 'matmul_tile', constants, rows: BM, columns: BN });
}

/** @param half whether operands stored in f16 stay so in workgroup memory */
function gpu(BM: number, BN: number, TM: number, TV: number, half = false): Variant {
  return ({ halves }) => ({
    shader: 'matmul_gpu',
    constants: {
      ...{ BM, BN, BK: 16, TM, TV, HELD: true },
      TA: half && halves.a ? 'f16' : 'f32',
      // Shaders may use f16 where activations are in it.
      TW: half && halves.a && halves.w ? 'f16' : 'f32',
    },
    rows: BM,
    columns: BN,
  });
}

function split(PM: number, PN: number, SLICES: number): Variant {
  return () => ({
    shader: 'matmul_split',
    constants: { PM, PN, SLICES },
    rows: 4 * PM,
    columns: 4 * PN,
  });
}

/** Threads per workgroup of the subgroup kernel: a few subgroups, so that many workgroups fill small adapters. */
const THREADS = 32;

function subgroup(TM: number, TV: number): Variant {
  return ({ n }, size) => {
    const wanted = Math.ceil(Math.min(n / (4 * TV), THREADS / 2) / size);
    const LN = size * Math.max(1, wanted);
    const LM = Math.max(1, Math.floor(THREADS / LN));
    return {
      shader: 'matmul_subgroup',
      constants: { SUBGROUP: size, LN, LM, TM, TV },
      rows: TM * LM,
      columns: 4 * TV * LN,
    };
  };
}

/** All matmul kernels, by rows and columns per workgroup, or per thread for those in subgroups. */
export const matmulVariants = {
  'gpu 64x64': gpu(64, 64, 4, 2),
  'gpu 64x64 f16': gpu(64, 64, 4, 2, true),
  'gpu 128x64': gpu(128, 64, 8, 2),
  'gpu 32x64': gpu(32, 64, 4, 1),
  'gpu 16x64': gpu(16, 64, 4, 1),
  'gpu 64x32': gpu(64, 32, 4, 1),
  'tile 64x64': tile(64, 64, 16, 8, 1),
  'tile 64x128': tile(64, 128, 16, 8, 2),
  'tile 32x64': tile(32, 64, 16, 4, 1),
  'tile 16x64': tile(16, 64, 16, 4, 1),
  'tile 8x64': tile(8, 64, 16, 4, 1),
  'tile 64x16': tile(64, 16, 16, 4, 1),
  'tile 64x8': tile(64, 8, 16, 4, 1),
  'unrolled 8x64': unrolled(8, 64),
  'unrolled 16x64': unrolled(16, 64),
  'unrolled 64x16': unrolled(64, 16),
  'unrolled 64x8': unrolled(64, 8),
  'split 16x16': split(4, 4, 16),
  'split 16x8': split(4, 2, 16),
  'subgroup 8x4': subgroup(8, 1),
  'subgroup 16x4': subgroup(16, 1),
  'subgroup 8x8': subgroup(8, 2),
  'subgroup 16x8': subgroup(16, 2),
  'subgroup 32x8': subgroup(32, 2),
} satisfies Record<string, Variant>;

export type MatmulVariant = keyof typeof matmulVariants;

/** The largest subgroup that a block of four of k by eight rows can feed. */
const WIDEST_SUBGROUP = 32;
/** Minimum depth k at which a product of few columns is worth splitting. */
const DEEP = 256;

/** What the choice of a kernel depends on of a device. */
export type MatmulAdapter = Pick<Gpu, 'subgroupSize' | 'description' | 'kernelKind'>;

/** The kernels worth trying for a product on an adapter, the default first. */
export function matmulCandidates(problem: MatmulProblem, adapter: MatmulAdapter): MatmulVariant[] {
  if (adapter.kernelKind === 'gpu') return gpuCandidates(problem, coresOf(adapter));
  const { m, n } = problem;
  const square: MatmulVariant[] = ['tile 64x64', 'tile 64x128', 'tile 32x64'];
  let tiles = square;
  if (m <= 16) tiles = [m <= 8 ? 'tile 8x64' : 'tile 16x64'];
  else if (n <= 16) tiles = [n <= 8 ? 'tile 64x8' : 'tile 64x16'];
  const splits = splitsOf(problem);
  const few = Math.min(m, n) <= 32;
  const staged = few && n <= m ? [...splits, ...tiles] : few ? [...tiles, ...splits] : tiles;
  const { subgroupSize, kernelKind } = adapter;
  if (kernelKind !== 'vectors' || subgroupSize === null) return staged;
  return [...subgroupCandidates(problem, subgroupSize), ...staged];
}

function splitsOf({ n, k }: MatmulProblem): MatmulVariant[] {
  if (k < DEEP) return [];
  return [n <= 8 ? 'split 16x8' : 'split 16x16'];
}

/** Workgroups a core should have, so that one computes while another waits. */
const PER_CORE = 2;

function gpuCandidates(problem: MatmulProblem, cores: number): MatmulVariant[] {
  const tiles = gpuTiles(problem);
  const fills = (variant: MatmulVariant, perCore: number) => {
    const { rows, columns } = matmulKernel(variant, problem, null);
    return Math.ceil(problem.m / rows) * Math.ceil(problem.n / columns) >= perCore * cores;
  };
  // Smaller tiles do more work a multiply-add, and more of them fit.
  const filling = tiles.find((variant) => fills(variant, PER_CORE)) ?? 'gpu 32x64';
  const first = tiles.includes(filling) ? filling : tiles[0]!;
  const ordered = [first, ...tiles.filter((variant) => variant !== first)];
  const splits = splitsOf(problem);
  if (problem.n <= 32 || !fills(first, 1)) return [...splits, ...ordered];
  return Math.min(problem.m, problem.n) <= 32 ? [...ordered, ...splits] : ordered;
}

function gpuTiles({ m, n, halves }: MatmulProblem): MatmulVariant[] {
  if (m <= 8) return ['unrolled 8x64'];
  if (m <= 16) return ['gpu 16x64', 'unrolled 16x64'];
  if (n <= 8) return ['unrolled 64x8'];
  if (n <= 16) return ['unrolled 64x16', 'gpu 64x32'];
  if (n <= 32) return ['gpu 64x32', 'gpu 32x64'];
  return ['gpu 64x64', ...(halves.a ? (['gpu 64x64 f16'] as const) : []), 'gpu 128x64', 'gpu 32x64'];
}

function subgroupCandidates({ layout, m, codes }: MatmulProblem, subgroup: number): MatmulVariant[] {
  if (m <= 8) return ['subgroup 8x4', 'subgroup 8x8'];
  if (subgroup > 4) return ['subgroup 16x8', 'subgroup 16x4', 'subgroup 8x8'];
  // In narrow vectors, many rows share the decoding of a codebook’s code, and adjacent columns share its word.
  if (codes === 'codebook') return ['subgroup 32x8', 'subgroup 16x4'];
  return codes && layout === 'NN' ? ['subgroup 8x8', 'subgroup 16x4'] : ['subgroup 16x4', 'subgroup 16x8'];
}

/** Whether a device has the features a kernel needs; sizes never matter. */
export function runsVariant({ subgroupSize }: Pick<Gpu, 'subgroupSize'>, variant: MatmulVariant): boolean {
  return !variant.startsWith('subgroup') || (subgroupSize !== null && subgroupSize <= WIDEST_SUBGROUP);
}

/** What the choice of a kernel depends on, by the encoding of w. */
export function problemOf({ layout, m, n, k, a, w }: Product): MatmulProblem {
  const halves = { a: a === 'f16', w: w === 'f16' };
  return { layout, m, n, k, codes: codesOf(w), halves };
}

function codesOf(format: string): MatmulProblem['codes'] {
  if (format === 'nf4' || format === 'fp4') return 'codebook';
  return format === 'int4' ? 'scaled' : null;
}

/** The kernel that a device uses for a product, and whether it was found by tuning. */
export function chooseVariant(
  gpu: MatmulAdapter & Pick<Gpu, 'choices'>,
  product: Product,
): { variant: MatmulVariant; tuned: boolean } {
  const chosen = gpu.choices.variantOf(product);
  if (chosen !== undefined && isVariant(chosen) && runsVariant(gpu, chosen))
    return { variant: chosen, tuned: true };
  return { variant: matmulCandidates(problemOf(product), gpu)[0]!, tuned: false };
}

function isVariant(name: string): name is MatmulVariant {
  return Object.hasOwn(matmulVariants, name);
}

/** The kernel of a variant for a product. */
export function matmulKernel(
  variant: MatmulVariant,
  problem: MatmulProblem,
  subgroup: number | null,
): MatmulKernel {
  return matmulVariants[variant](problem, subgroup ?? 0);
}
