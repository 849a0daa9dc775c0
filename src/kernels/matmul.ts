import type { ShaderConstants } from '../gpu/assemble.ts';
import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { assert } from '../lib/errors.ts';
import {
  chooseVariant,
  matmulKernel,
  problemOf,
  type MatmulLayout,
  type MatmulProblem,
  type MatmulVariant,
} from './matmulVariants.ts';
import { weightInput, type WeightChunk } from './weight.ts';

/** A product of small depth that is added to the other: scale · u · b, in its layout. */
export interface LoraEpilogue {
  /** f32 [m, ldu]; columns uOffset … uOffset + rank − 1 are used. */
  u: Tensor;
  ldu: number;
  uOffset?: number;
  rank: number;
  scale: number;
  /** f32 [n, rank] for NT, [rank, n] for NN, from row bRow on. */
  b: Tensor;
  bRow?: number;
}

/**
 * Up to three products of siblings in one dispatch, which begin at `starts` (the first at 0) along an axis:
 *   n: each makes columns of c. LoRA has `rank` columns of u for each, one after the other.
 *   m: each makes rows of c, from n columns of w of its own, one after the other.
 *   k: each sums its range of k into n columns of c of its own, one after the other.
 */
export interface MatmulMembers {
  along: 'm' | 'n' | 'k';
  starts: readonly number[];
}

export interface MatmulArguments {
  layout: MatmulLayout;
  /** [m, k], or [k, m] for TN; f32 or f16. */
  a: Tensor;
  /** [n, k] for NT, else [k, n]: a plain f32 matrix, or rows of a weight in any encoding. */
  w: Tensor | WeightChunk;
  /** [m, n] f32 or f16. */
  c: Tensor;
  m: number;
  n: number;
  k: number;
  scale?: number;
  accumulate?: boolean;
  /** f32, added to every row: elements biasOffset … biasOffset + n − 1. */
  bias?: Tensor | null;
  biasOffset?: number;
  /** Elements between stored rows of a and c, where they are column ranges of wider matrices. */
  lda?: number;
  ldc?: number;
  aOffset?: number;
  cOffset?: number;
  /** First stored row of `w` that is used. */
  wRow?: number;
  /** A column range of a plain matrix: elements between its stored rows, and the first column. */
  ldw?: number;
  wCol?: number;
  /** f32 in the layout of c, added to it; may be c itself. */
  residual?: Tensor | null;
  /** For NT and NN. */
  lora?: LoraEpilogue | null;
  members?: MatmulMembers | null;
  /** The kernel, in place of the one that is chosen. */
  variant?: MatmulVariant;
}

/** Storage buffers that every adapter lets a shader bind. */
const MOST_BUFFERS = 8;

/** c (+)= scale · a · w (+ bias) (+ residual) (+ LoRA) in one of the three layouts, with f32 sums. */
export function matmul(commands: Commands, args: MatmulArguments): void {
  const { layout, a, w, c, m, n, k, scale = 1, bias = null, members = null } = args;
  const inPlace = args.residual?.buffer === c.buffer;
  const residual = inPlace ? null : (args.residual ?? null);
  const weight = weightInput(w);
  const tensors = { a, c, ...weight.tensors, ...(bias && { bias }), ...(residual && { residual }) };
  const { lora = null } = args;
  const tooMany = lora !== null && Object.keys(tensors).length + 2 > MOST_BUFFERS;
  const fused = tooMany ? null : lora;
  const widths = members ? widthsOf(members, args) : [];
  const largest = { m, n, k, ...(members && { [members.along]: Math.max(...widths) }) };
  const format = 'data' in w ? w.encoding.format : w.type;
  const product = { layout, ...largest, a: a.type, c: c.type, w: format };
  const problem = problemOf(product);
  const variant = args.variant ?? chooseVariant(commands.gpu, product).variant;
  const kernel = matmulKernel(variant, problem, commands.gpu.subgroupSize);
  const constants: ShaderConstants = {
    A: a.type,
    E: c.type,
    ...weight.constants,
    TRANS_A: layout === 'TN',
    TRANS_W: layout === 'NT',
    BIAS: bias !== null,
    RESIDUAL: residual !== null,
    LORA: fused !== null,
    MEMBERS: members?.along ?? false,
    ...vectorsOf(args, problem, kernel.shader),
    ...kernel.constants,
  };
  const params = {
    m,
    n,
    k,
    lda: args.lda ?? (layout === 'TN' ? m : k),
    ldw: args.ldw ?? (layout === 'NT' ? k : n),
    ldc: args.ldc ?? n,
    a_offset: args.aOffset ?? 0,
    c_offset: args.cOffset ?? 0,
    w_row: args.wRow ?? 0,
    w_col: args.wCol ?? 0,
    bias_offset: args.biasOffset ?? 0,
    scale,
    accumulate: Number(inPlace || (args.accumulate ?? false)),
    ...(fused && {
      rank: fused.rank,
      ldu: fused.ldu,
      u_offset: fused.uOffset ?? 0,
      b_row: fused.bRow ?? 0,
      lora_scale: fused.scale,
    }),
    ...(members && { member_1: members.starts[1]!, member_2: members.starts[2] ?? extentOf(members, args) }),
  };
  const bound = { ...tensors, ...(fused && { u: fused.u, b: fused.b }) };
  const across = Math.ceil(largest.n / kernel.columns);
  const groups = [across, Math.ceil(largest.m / kernel.rows), Math.max(1, widths.length)] as const;
  const work = { flops: 2 * m * n * (k + (fused?.rank ?? 0)), of: layout };
  commands.run(kernel.shader, constants, bound, params, groups, work);
  if (tooMany) addLora(commands, args, lora);
}

/** Whether a and floats of w can be read four at a time, and a codebook be looked up in registers. */
function vectorsOf(
  { lda, ldw, aOffset = 0, wCol = 0, members = null, m, n, k }: MatmulArguments,
  { layout, codes }: MatmulProblem,
  shader: string,
): ShaderConstants {
  const fours = (...values: number[]) => values.every((value) => value % 4 === 0);
  const starts = members?.starts ?? [];
  const subgroup = shader === 'matmul_subgroup';
  const stored = layout === 'TN' ? m : k;
  const VEC_A = !subgroup && fours(stored, lda ?? stored, aOffset, ...starts);
  if (codes) return { VEC_A, SHUFFLE: subgroup && codes === 'codebook' };
  // A row of a whole weight is read eight at a time, so one that ends between would take from the next.
  const VEC = layout === 'NT' ? k % 8 === 0 && fours(ldw ?? k, wCol) : fours(n, ldw ?? n, wCol);
  return { VEC_A, VEC };
}

function extentOf({ along }: MatmulMembers, args: MatmulArguments): number {
  return args[along];
}

/** How much of the axis each member has. */
function widthsOf(members: MatmulMembers, args: MatmulArguments): number[] {
  const { starts } = members;
  assert(starts[0] === 0 && starts.length > 1 && starts.length <= 3, `matmul: ${starts.length} members`);
  return starts.map((start, i) => (starts[i + 1] ?? extentOf(members, args)) - start);
}

/** LoRA as products of its own, where one shader would bind too many buffers. */
function addLora(commands: Commands, args: MatmulArguments, lora: LoraEpilogue): void {
  const { layout, c, m, n, members = null } = args;
  const { u: a, ldu: lda, rank: k, scale, b: w, uOffset = 0, bRow = 0 } = lora;
  const widths = members ? widthsOf(members, args) : [n];
  widths.forEach((width, i) => {
    const start = members?.starts[i] ?? 0;
    const u = { a, lda, aOffset: uOffset + i * k };
    const target = { c, ldc: args.ldc ?? n, cOffset: (args.cOffset ?? 0) + start, accumulate: true };
    matmul(commands, { layout, ...u, w, wRow: bRow + start, ...target, m, n: width, k, scale });
  });
}
