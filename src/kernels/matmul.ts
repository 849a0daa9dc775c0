import type { ShaderConstants } from '../gpu/assemble.ts';
import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
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
  tile?: MatmulTile;
}

/** c (+)= scale · a · w (+ bias) in one of the three layouts, with f32 sums. */
export function matmul(commands: Commands, args: MatmulArguments): void {
  const { layout, a, w, c, m, n, k, scale = 1, accumulate = false, bias = null } = args;
  const tile = args.tile ?? chooseTile(m, n);
  const weight = weightInput(w);
  const constants: ShaderConstants = {
    A: a.type,
    E: c.type,
    ...weight.constants,
    TRANS_A: layout === 'TN',
    TRANS_W: layout === 'NT',
    BIAS: bias !== null,
    ...tile,
  };
  const params = {
    m,
    n,
    k,
    lda: args.lda ?? (layout === 'TN' ? m : k),
    ldw: layout === 'NT' ? k : n,
    ldc: args.ldc ?? n,
    a_offset: args.aOffset ?? 0,
    c_offset: args.cOffset ?? 0,
    w_row: args.wRow ?? 0,
    bias_offset: args.biasOffset ?? 0,
    scale,
    accumulate: Number(accumulate),
  };
  const tensors = { a, c, ...weight.tensors, ...(bias && { bias }) };
  commands.run('matmul', constants, tensors, params, [Math.ceil(n / tile.BN), Math.ceil(m / tile.BM)]);
}
