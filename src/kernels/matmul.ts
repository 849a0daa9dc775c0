import type { ShaderConstants } from '../gpu/assemble.ts';
import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { assert } from '../lib/errors.ts';
import { weightInput, type WeightChunk } from './weight.ts';

/** How the two factors are stored: NT is X·Wᵀ, NN is dY·W, TN is dYᵀ·X. */
export type MatmulLayout = 'NT' | 'NN' | 'TN';

/** Tile of the output a workgroup owns; a thread owns `TM` rows by 4 columns of it. */
export type MatmulTile = { BM: number; BN: number; BK: number; TM: number };

const SQUARE: MatmulTile = { BM: 64, BN: 64, BK: 16, TM: 8 };
const NARROW: MatmulTile = { BM: 64, BN: 16, BK: 16, TM: 4 };
const NARROWEST: MatmulTile = { BM: 64, BN: 8, BK: 16, TM: 4 };
const FLAT: MatmulTile = { BM: 16, BN: 64, BK: 16, TM: 4 };
const FLATTEST: MatmulTile = { BM: 8, BN: 64, BK: 16, TM: 4 };
const SMALL: MatmulTile = { BM: 16, BN: 16, BK: 32, TM: 1 };

/** Every tile the project ships, for tests that force each in turn. */
export const matmulTiles = { SQUARE, NARROW, NARROWEST, FLAT, FLATTEST, SMALL };

/** The tile that wastes least on an m x n output: ranks and single rows are far from square. */
export function chooseTile(m: number, n: number): MatmulTile {
  if (m <= 16 && n <= 16) return SMALL;
  if (m <= 16) return m <= 8 ? FLATTEST : FLAT;
  if (n <= 16) return n <= 8 ? NARROWEST : NARROW;
  return SQUARE;
}

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
  tile?: MatmulTile;
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
  const largest = { m, n, ...(members && { [members.along]: Math.max(...widths) }) };
  const tile = args.tile ?? chooseTile(largest.m, largest.n);
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
    ...tile,
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
  const groups = [Math.ceil(largest.n / tile.BN), Math.ceil(largest.m / tile.BM), Math.max(1, widths.length)];
  const work = { flops: 2 * m * n * (k + (fused?.rank ?? 0)), of: layout };
  commands.run('matmul', constants, bound, params, groups as [number, number, number], work);
  if (tooMany) addLora(commands, args, lora);
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
