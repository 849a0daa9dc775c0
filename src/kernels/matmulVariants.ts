import type { ShaderConstants } from '../gpu/assemble.ts';
import type { Product } from '../gpu/choices.ts';
import type { Gpu } from '../gpu/device.ts';
import { isNarrow } from './narrow.ts';

/** How the two factors are stored: NT is X·Wᵀ, NN is dY·W, TN is dYᵀ·X. */
export type MatmulLayout = Product['layout'];

/** What decides which kernel is best for a product. */
export interface MatmulProblem {
  layout: MatmulLayout;
  /** Of the largest member, where siblings share a dispatch. */
  m: number;
  n: number;
  k: number;
  /** How 4-bit codes of w are read, by a scale or a codebook; null for floats. */
  codes: 'scaled' | 'codebook' | null;
}

/** A kernel for products: its shader and constants, and the rows and columns of c a workgroup makes. */
export interface MatmulKernel {
  shader: 'matmul_tile' | 'matmul_split' | 'matmul_subgroup';
  constants: ShaderConstants;
  rows: number;
  columns: number;
}

type Variant = (problem: MatmulProblem, subgroup: number) => MatmulKernel;

function tile(BM: number, BN: number, BK: number, TM: number, TV: number): Variant {
  return () => ({ shader: 'matmul_tile', constants: { BM, BN, BK, TM, TV }, rows: BM, columns: BN });
}

function split(PM: number, PN: number, SLICES: number): Variant {
  return () => ({
    shader: 'matmul_split',
    constants: { PM, PN, SLICES },
    rows: 4 * PM,
    columns: 4 * PN,
  });
}

/** Threads of a workgroup of the subgroup's kernel: a few subgroups, so that many workgroups fill small adapters. */
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

/** Every kernel for products, by the rows and columns of a workgroup, or of a thread where it is a subgroup's. */
export const matmulVariants = {
  'tile 64x64': tile(64, 64, 16, 8, 1),
  'tile 64x128': tile(64, 128, 16, 8, 2),
  'tile 32x64': tile(32, 64, 16, 4, 1),
  'tile 16x64': tile(16, 64, 16, 4, 1),
  'tile 8x64': tile(8, 64, 16, 4, 1),
  'tile 64x16': tile(64, 16, 16, 4, 1),
  'tile 64x8': tile(64, 8, 16, 4, 1),
  'split 16x16': split(4, 4, 16),
  'split 16x8': split(4, 2, 16),
  'subgroup 8x4': subgroup(8, 1),
  'subgroup 16x4': subgroup(16, 1),
  'subgroup 8x8': subgroup(8, 2),
  'subgroup 16x8': subgroup(16, 2),
  'subgroup 32x8': subgroup(32, 2),
} satisfies Record<string, Variant>;

export type MatmulVariant = keyof typeof matmulVariants;

/** The largest subgroup that a block of four of k by eight rows feeds. */
const WIDEST_SUBGROUP = 32;
/** Depth from which few columns are worth a split. */
const DEEP = 256;

/**
 * The kernels worth trying for a product on an adapter, the default first.
 * @param subgroup threads of a subgroup, or null where shaders cannot use them
 */
export function matmulCandidates(problem: MatmulProblem, subgroup: number | null): MatmulVariant[] {
  const { m, n, k } = problem;
  const square: MatmulVariant[] = ['tile 64x64', 'tile 64x128', 'tile 32x64'];
  let tiles = square;
  if (m <= 16) tiles = [m <= 8 ? 'tile 8x64' : 'tile 16x64'];
  else if (n <= 16) tiles = [n <= 8 ? 'tile 64x8' : 'tile 64x16'];
  const splits: MatmulVariant[] = k >= DEEP ? [n <= 8 ? 'split 16x8' : 'split 16x16'] : [];
  const few = Math.min(m, n) <= 32;
  const staged = few && n <= m ? [...splits, ...tiles] : few ? [...tiles, ...splits] : tiles;
  if (subgroup === null || subgroup > WIDEST_SUBGROUP) return staged;
  const held = subgroupCandidates(problem, subgroup);
  return isNarrow(subgroup) ? [...held, ...staged] : [...staged, ...held];
}

function subgroupCandidates({ layout, m, codes }: MatmulProblem, subgroup: number): MatmulVariant[] {
  if (m <= 8) return ['subgroup 8x4', 'subgroup 8x8'];
  if (subgroup > 4) return ['subgroup 16x8', 'subgroup 16x4', 'subgroup 8x8'];
  // Of narrow vectors, many rows share the work on a codebook’s code; columns that lie side by side share its word.
  if (codes === 'codebook') return ['subgroup 32x8', 'subgroup 16x4'];
  return codes && layout === 'NN' ? ['subgroup 8x8', 'subgroup 16x4'] : ['subgroup 16x4', 'subgroup 16x8'];
}

/** Whether a device has what a kernel needs; sizes never matter. */
export function runsVariant({ subgroupSize }: Pick<Gpu, 'subgroupSize'>, variant: MatmulVariant): boolean {
  return !variant.startsWith('subgroup') || (subgroupSize !== null && subgroupSize <= WIDEST_SUBGROUP);
}

/** What decides which kernel is best for a product, by how its factors are stored. */
export function problemOf({ layout, m, n, k, w }: Product): MatmulProblem {
  return { layout, m, n, k, codes: codesOf(w) };
}

function codesOf(format: string): MatmulProblem['codes'] {
  if (format === 'nf4' || format === 'fp4') return 'codebook';
  return format === 'int4' ? 'scaled' : null;
}

/** The kernel that a device takes for a product, and whether that was found by measuring. */
export function chooseVariant(
  gpu: Pick<Gpu, 'subgroupSize' | 'choices'>,
  product: Product,
): { variant: MatmulVariant; tuned: boolean } {
  const chosen = gpu.choices.variantOf(product);
  if (chosen !== undefined && isVariant(chosen) && runsVariant(gpu, chosen))
    return { variant: chosen, tuned: true };
  return { variant: matmulCandidates(problemOf(product), gpu.subgroupSize)[0]!, tuned: false };
}

function isVariant(name: string): name is MatmulVariant {
  return Object.hasOwn(matmulVariants, name);
}

/** The kernel a variant is for a product. */
export function matmulKernel(
  variant: MatmulVariant,
  problem: MatmulProblem,
  subgroup: number | null,
): MatmulKernel {
  return matmulVariants[variant](problem, subgroup ?? 0);
}
