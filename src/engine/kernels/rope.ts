import type { ShaderConstants } from '../gpu/assemble.ts';
import type { Commands } from '../gpu/commands.ts';
import { elementsOf, slice, type ElementType, type Tensor } from '../gpu/tensor.ts';
import { assert } from '../../base/lib/errors.ts';
import { flatGroups } from './grid.ts';
import { weightConstants } from './rmsNorm.ts';

/** The head counts and head size. */
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

/** q [T, H, D], k and v [T, Hkv, D] in one buffer. */
export interface Heads {
  all: Tensor;
  q: Tensor;
  k: Tensor;
  v: Tensor;
}

/** How q and k turn by their position; by default as in Llama. */
export interface Rotation {
  /** [pairs that turn] f32, from `ropeFrequencies`; at most D/2, the rest of each head does not turn. */
  inverseFrequencies: Tensor;
  /** Multiplies what turns (YaRN, longrope). */
  magnitude?: number;
  /** Pairs are neighbours (2i, 2i + 1) rather than (i, i + pairs). */
  interleaved?: boolean;
  /** Turns the other way (nanochat). */
  reversed?: boolean;
  /** Multiplies q by 1 + beta · log(1 + floor(position / context)) (Llama 4). */
  queryScale?: { beta: number; context: number } | null;
}

/** RMSNorm of q and k. */
export interface HeadNorm {
  /** [D] f32, with `wide` [H · D] and [Hkv · D]; null without weights. */
  qWeight: Tensor | null;
  kWeight: Tensor | null;
  eps: number;
  /** Added to the weights. */
  offset?: number;
  /** Over all heads of a token at once, rather than each. */
  wide?: boolean;
  /** After the rotation rather than before it. */
  after?: boolean;
}

/** The position of each token, how heads turn, and the norms of heads. */
export interface Rope extends HeadShape {
  /** [T] u32, the position of each token in its own sequence. */
  positions: Tensor;
  /** Null leaves q and k as they are. */
  rotation: Rotation | null;
  norm: HeadNorm | null;
  /** Each query in raw is followed by a gate, which is left alone (Qwen3.5). */
  gated?: boolean;
}

/** Threads per token: few where they run one after the other. */
function threadsOf({ gpu }: Commands): number {
  return gpu.kernelKind === 'vectors' ? 16 : 128;
}

/** Threads that reduce over a head. */
const LANES = 8;
/** Tensors within a buffer start at multiples of this many elements: 256 bytes of f16. */
const ALIGNMENT = 128;

/** Elements of a buffer for the heads of T tokens. */
export function headElements(shape: HeadShape): number {
  const { vStart, kvSize } = placesOf(shape);
  return vStart + kvSize;
}

/** Views of q, k and v in a tensor of `headElements`. */
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
 * Splits q, k and v, which a projection writes next to each other, and turns each head of q and k by its position like
 * transformers' `apply_rotary_pos_emb` (Su et al., 2021). With `norm`, q and k are normalized too (RMSNorm).
 * @param raw [T, (H + 2 Hkv) · D] f32 or f16, read only; with gates D more a query
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
 * @param raw as in `rope`; read if there is a norm
 * @param dRaw [T, (H + 2 Hkv) · D] f32, overwritten
 * @param dNorm [T, 2, D] f32, of a wide norm [T, H + Hkv, D], overwritten with each token's gradients of the head norm
 *   weights of q and k; null if they are frozen
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
  { positions, rotation, norm, gated = false, ...shape }: Rope,
  constants: ShaderConstants = {},
): void {
  const { rows, heads, kvHeads, headDim } = shape;
  assert(headDim % 2 === 0, `rope: a head of ${headDim} has no halves`);
  const frequencies = rotation?.inverseFrequencies;
  const turned = frequencies ? elementsOf(frequencies) : 0;
  assert(turned <= headDim / 2, `rope: ${turned} pairs turn in a head of ${headDim}`);
  const { kStart, vStart } = placesOf(shape);
  const weights = norm?.qWeight && { q_weight: norm.qWeight, k_weight: norm.kWeight! };
  commands.run(
    shader,
    {
      E: type,
      WG: threadsOf(commands),
      HALF: headDim / 2,
      HEADS: heads + kvHeads,
      GATES: gated ? heads : 0,
      TURNED: turned,
      TURNS: Math.max(1, turned),
      ...rotationConstants(rotation),
      NORM: norm !== null,
      ...(norm && normConstants(norm)),
      ...constants,
    },
    // Without a rotation no frequency is read, whatever is bound.
    { ...tensors, positions, inverse_frequencies: frequencies ?? positions, ...weights },
    { rows, heads, kv_heads: kvHeads, k_start: kStart, v_start: vStart, ...(norm && { eps: norm.eps }) },
    flatGroups(rows),
  );
}

function rotationConstants(rotation: Rotation | null): ShaderConstants {
  const { magnitude = 1, interleaved = false, reversed = false, queryScale = null } = rotation ?? {};
  return {
    INTERLEAVED: interleaved,
    REVERSED: reversed,
    ...(magnitude !== 1 && { MAGNITUDE: magnitude }),
    ...(queryScale && { QUERY_SCALE: true, BETA: queryScale.beta, CONTEXT: queryScale.context }),
  };
}

function normConstants({ qWeight, offset = 0, wide = false, after = false }: HeadNorm): ShaderConstants {
  return { LANES, WIDE: wide, NORM_AFTER: after, ...weightConstants({ weight: qWeight, offset }) };
}
