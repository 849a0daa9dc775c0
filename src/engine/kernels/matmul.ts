import type { ShaderConstants } from '../gpu/assemble.ts';
import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { assert } from '../../base/lib/errors.ts';
import {
  chooseVariant,
  matmulKernel,
  problemOf,
  type MatmulLayout,
  type MatmulProblem,
  type MatmulVariant,
} from './matmulVariants.ts';
import { weightInput, type WeightChunk } from './weight.ts';

/** A low-rank product added to the main one: scale · u · b, in the same layout. */
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
 * Up to three products of fused projections in one dispatch, which begin at `starts` (the first at 0) along an axis:
 *   n: each computes its columns of c. LoRA has `rank` columns of u for each, one after the other.
 *   m: each computes its rows of c from its own n columns of w, one after the other.
 *   k: each sums its range of k into its own n columns of c, one after the other.
 */
export interface MatmulMembers {
  along: 'm' | 'n' | 'k';
  starts: readonly number[];
}

/**
 * Rows of a that belong to groups, one after the other, such as the tokens of each expert. NT and NN: each group has rows
 * of w of its own. TN: each sums its rows of a and w to rows of c of its own.
 */
export interface MatmulGroups {
  /** u32, the first row of each group, and the end of the last. */
  starts: Tensor;
  /** The groups that w, or c, has: `count` from `first` on. */
  first: number;
  count: number;
  /** Stored rows from one group to the next: of w, or of c. */
  rows: number;
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
  /** Row strides of a and c, if they are column ranges of wider matrices. */
  lda?: number;
  ldc?: number;
  aOffset?: number;
  cOffset?: number;
  /** First stored row of `w` to use. */
  wRow?: number;
  /** Row stride and first column, if a plain w is a column range of a wider matrix. */
  ldw?: number;
  wCol?: number;
  /** f32 in the layout of c, added to the result; may be c itself. */
  residual?: Tensor | null;
  /** Only for NT and NN. */
  lora?: LoraEpilogue | null;
  members?: MatmulMembers | null;
  /** Rows of a in groups; m is then the rows of all groups for NT and NN, and k is for TN. */
  groups?: MatmulGroups | null;
  /** Overrides the choice of the kernel. */
  variant?: MatmulVariant;
}

/** Storage buffers that every adapter can bind to a shader. */
const MAX_BUFFERS = 8;

/** c (+)= scale · a · w (+ bias) (+ residual) (+ LoRA) in one of the three layouts, accumulating in f32. */
export function matmul(commands: Commands, args: MatmulArguments): void {
  const { layout, a, w, c, m, n, k, scale = 1, bias = null, members = null } = args;
  const inPlace = args.residual?.buffer === c.buffer;
  const residual = inPlace ? null : (args.residual ?? null);
  const weight = weightInput(w);
  const { groups = null } = args;
  const grouping = groups && groupingOf(args, groups);
  const tensors = {
    a,
    c,
    ...weight.tensors,
    ...(bias && { bias }),
    ...(residual && { residual }),
    ...grouping?.tensors,
  };
  const { lora = null } = args;
  const tooMany = lora !== null && Object.keys(tensors).length + 2 > MAX_BUFFERS;
  const fused = tooMany ? null : lora;
  const widths = members ? widthsOf(members, args) : [];
  const largest = { m, n, k, ...(members && { [members.along]: Math.max(...widths) }), ...grouping?.usual };
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
    GROUPED: grouping?.along ?? false,
    ...vectorsOf(args, problem, kernel.shader),
    ...kernel.constants,
    ...(kernel.shader === 'matmul_gpu' && gpuConstants(args, fused !== null)),
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
    ...grouping?.params,
    ...(members && startsOf(members, args)),
  };
  const bound = { ...tensors, ...(fused && { u: fused.u, b: fused.b }) };
  const across = Math.ceil(largest.n / kernel.columns);
  const down =
    grouping?.along === 'rows' ? rowTiles(m, groups!.count, kernel.rows) : Math.ceil(largest.m / kernel.rows);
  const deep = grouping?.along === 'depth' ? groups!.count : Math.max(1, widths.length);
  const work = { flops: 2 * m * n * (k + (fused?.rank ?? 0)), of: layout };
  commands.run(kernel.shader, constants, bound, params, [across, down, deep], work);
  if (tooMany) addLora(commands, args, lora);
}

/** What a shader needs to know of groups, and the sizes of a usual one. */
function groupingOf({ layout, m, k }: MatmulArguments, { starts, first, count, rows }: MatmulGroups) {
  const sums = layout === 'TN';
  const each = Math.ceil((sums ? k : m) / count);
  return {
    along: sums ? ('depth' as const) : ('rows' as const),
    usual: sums ? { k: each } : { m: each },
    tensors: { group_starts: starts },
    params: { group_first: first, group_count: count, group_rows: rows },
  };
}

/** The most workgroups that rows in groups take: the last of each group may have fewer than `each`. */
function rowTiles(rows: number, groups: number, each: number): number {
  return Math.min(rows, Math.floor(rows / each) + groups);
}

/** Whether a and float w can be read as vec4s, and codebooks be looked up by subgroup shuffles. */
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
  // Floats are read eight at a time, so a row that ends in between would read into the next.
  const VEC = layout === 'NT' ? k % 8 === 0 && fours(ldw ?? k, wCol) : fours(n, ldw ?? n, wCol);
  return { VEC_A, VEC };
}

/** Whether c can be written as vec4s; LoRA's second product is staged where the first was, and is of f32. */
function gpuConstants(
  { n, ldc = n, cOffset = 0, biasOffset = 0, members = null }: MatmulArguments,
  lora: boolean,
): ShaderConstants {
  const starts = members?.along === 'n' ? members.starts : [];
  const VEC_C = [n, ldc, cOffset, biasOffset, ...starts].every((value) => value % 4 === 0);
  return lora ? { VEC_C, TA: 'f32', TW: 'f32' } : { VEC_C };
}

function extentOf({ along }: MatmulMembers, args: MatmulArguments): number {
  return args[along];
}

/** Members that one product computes, at most. */
export const MAX_MEMBERS = 4;

/** Where members after the first start; one that is not there, at the end. */
function startsOf(members: MatmulMembers, args: MatmulArguments) {
  const at = (index: number) => members.starts[index] ?? extentOf(members, args);
  return { member_1: at(1), member_2: at(2), member_3: at(3) };
}

/** The extent of each member along the axis. */
function widthsOf(members: MatmulMembers, args: MatmulArguments): number[] {
  const { starts } = members;
  const fits = starts.length > 1 && starts.length <= MAX_MEMBERS;
  assert(starts[0] === 0 && fits, `matmul: ${starts.length} members`);
  return starts.map((start, i) => (starts[i + 1] ?? extentOf(members, args)) - start);
}

/** Computes LoRA as separate products, if one shader would bind too many buffers. */
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
