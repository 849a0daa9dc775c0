import type { ShaderConstants } from '../gpu/assemble.ts';
import type { Commands } from '../gpu/commands.ts';
import { elementsOf, slice, type ElementType, type Tensor } from '../gpu/tensor.ts';
import { assert } from '../lib/errors.ts';
import { flatGroups } from './grid.ts';
import { isNarrow } from './narrow.ts';

/** How many heads of which size a token has. */
export interface HeadShape {
  /** T */
  rows: number;
  /** H */
  heads: number;
  /** Hkv */
  kvHeads: number;
  /** D, even */
  headDim: number;
}

/** q [T, H, D], k and v [T, Hkv, D], which are parts of one buffer. */
export interface Heads {
  all: Tensor;
  q: Tensor;
  k: Tensor;
  v: Tensor;
}

/** Where each token stands, and the norm of the heads of q and k where the family has one. */
export interface Rope extends HeadShape {
  /** [T] u32, the position of each token in its own sequence. */
  positions: Tensor;
  /** [D/2] f32, from `ropeFrequencies`. */
  inverseFrequencies: Tensor;
  norm: { qWeight: Tensor; kWeight: Tensor; eps: number } | null;
}

/** Threads that share a token: few where they are one after the other. */
function threadsOf({ gpu }: Commands): number {
  return isNarrow(gpu.subgroupSize) ? 16 : 128;
}

/** Threads that sum over a head. */
const LANES = 8;
/** Elements that every tensor within a buffer begins a multiple of: 256 bytes of f16. */
const ALIGNMENT = 128;

/** Elements of a buffer for the heads of T tokens. */
export function headElements(shape: HeadShape): number {
  const { vStart, kvSize } = placesOf(shape);
  return vStart + kvSize;
}

/** q, k and v in a tensor of `headElements`. */
export function headsIn(all: Tensor, shape: HeadShape): Heads {
  const { rows, heads, kvHeads, headDim } = shape;
  const { kStart, vStart } = placesOf(shape);
  const kv = [rows, kvHeads * headDim];
  return {
    all,
    q: slice(all, 0, [rows, heads * headDim]),
    k: slice(all, kStart, kv),
    v: slice(all, vStart, kv),
  };
}

function placesOf({ rows, heads, kvHeads, headDim }: HeadShape) {
  const aligned = (elements: number) => Math.ceil(elements / ALIGNMENT) * ALIGNMENT;
  const kvSize = rows * kvHeads * headDim;
  const kStart = aligned(rows * heads * headDim);
  return { kStart, vStart: kStart + aligned(kvSize), kvSize };
}

/**
 * Takes q, k and v apart, which a product leaves beside each other, and rotates each head of q and k by its position,
 * with pairs (i, i + D/2) as transformers' `apply_rotary_pos_emb` has them (Su et al., 2021); with `norm` each is
 * normalized first (RMSNorm).
 * @param raw [T, (H + 2 Hkv) · D] f32 or f16, left as it is
 * @param parts of the type of raw, overwritten
 */
export function rope(
  commands: Commands,
  { raw, parts, ...rest }: Rope & { raw: Tensor; parts: Heads },
): void {
  run(commands, 'rope', raw.type, { raw, heads: parts.all }, rest);
}

/**
 * The gradient of `rope`.
 * @param dParts f32
 * @param raw as it was, read where there is a norm
 * @param dRaw [T, (H + 2 Hkv) · D] f32, overwritten
 * @param dNorm [T, 2, D] f32, overwritten with what each token adds to the gradients of the weights of the norms of q
 *   and k; null where they are frozen
 */
export function ropeBackward(
  commands: Commands,
  {
    dParts,
    raw,
    dRaw,
    dNorm = null,
    ...rest
  }: Rope & { dParts: Heads; raw: Tensor; dRaw: Tensor; dNorm?: Tensor | null },
): void {
  assert(rest.norm || !dNorm, 'rope: the gradient of norms that are not there');
  const trained: Record<string, Tensor> = dNorm ? { d_norm: dNorm } : {};
  const tensors = { d_heads: dParts.all, d_raw: dRaw, ...(rest.norm && { raw }), ...trained };
  run(commands, 'rope_backward', raw.type, tensors, rest, rest.norm ? { TRAINED: dNorm !== null } : {});
}

function run(
  commands: Commands,
  shader: string,
  type: ElementType,
  tensors: Record<string, Tensor>,
  { positions, inverseFrequencies, norm, ...shape }: Rope,
  constants: ShaderConstants = {},
): void {
  const { rows, heads, kvHeads, headDim } = shape;
  assert(headDim % 2 === 0, `rope: a head of ${headDim} has no halves`);
  assert(elementsOf(inverseFrequencies) === headDim / 2, `rope: frequencies of another head than ${headDim}`);
  const { kStart, vStart } = placesOf(shape);
  commands.run(
    shader,
    {
      E: type,
      NORM: norm !== null,
      WG: threadsOf(commands),
      LANES,
      HALF: headDim / 2,
      HEADS: heads + kvHeads,
      ...constants,
    },
    {
      ...tensors,
      positions,
      inverse_frequencies: inverseFrequencies,
      ...(norm && { q_weight: norm.qWeight, k_weight: norm.kWeight }),
    },
    { rows, heads, kv_heads: kvHeads, k_start: kStart, v_start: vStart, ...(norm && { eps: norm.eps }) },
    flatGroups(rows),
  );
}
