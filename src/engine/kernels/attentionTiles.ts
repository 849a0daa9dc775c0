import type { ShaderConstants } from '../gpu/assemble.ts';

/** Tile sizes of an attention kernel; see shaders/lib/attention.wgsl for their use. */
export interface AttentionTiles {
  /** Threads that share four rows. */
  LANES: number;
  /** Groups of four rows per workgroup. */
  ROW_GROUPS: number;
  /** Keys (queries for dK and dV) that a thread scores per tile. */
  PER_LANE: number;
  /** vec4 columns of the head that a thread accumulates per part of the head. */
  COLUMNS: number;
  /** Of a thread's PER_LANE weights, how many go into workgroup memory at a time; divides PER_LANE. */
  ROUND: number;
  /** Keys whose values are staged at a time; divides LANES · ROUND. */
  STEP: number;
  /** Keys whose values are accumulated without a loop; divides STEP. */
  UNROLL: number;
}

/** The tiled kernels. */
export type AttentionPass = 'forward' | 'backwardQ' | 'backwardKv';

/** What the choice of tiles depends on. */
export interface TiledAttention {
  pass: AttentionPass;
  headDim: number;
  /** Rows per KV head that workgroups own: T · H / Hkv queries, or T keys for dK and dV. */
  rows: number;
  /** Queries per KV head, T · H / Hkv: few of them (decoding) get a smaller tile with more lanes. */
  queries: number;
  kvHeads: number;
}

/** Workgroups that keep a large GPU busy: two for each of 64 cores. */
const FILLING = 128;

/**
 * Chooses the attention tiles. A GPU hides latency with waves of several workgroups, which share registers and workgroup
 * memory: so a thread has about 100 registers, and a thread's share of workgroup memory is at most 85 bytes. Fewer rows
 * per workgroup where more would leave cores without work. Heads of less than 64, which are rare, get small
 * tiles: those take compilers of software adapters less time.
 */
export function attentionTiles({ pass, headDim, rows, queries, kvHeads }: TiledAttention): AttentionTiles {
  const d4 = headDim / 4;
  if (d4 < 16) {
    return { LANES: 8, ROW_GROUPS: 8, PER_LANE: 1, COLUMNS: Math.ceil(d4 / 8), ROUND: 1, STEP: 8, UNROLL: 2 };
  }
  if (pass === 'forward' && queries <= 16) {
    return { LANES: 16, ROW_GROUPS: 2, PER_LANE: 2, COLUMNS: d4 > 16 ? 2 : 1, ROUND: 1, STEP: 16, UNROLL: 2 };
  }
  const lanes = pass === 'backwardKv' || d4 > 24 ? 16 : 8;
  const columns = Math.ceil(d4 / lanes);
  const sizes = lanes === 8 ? [16, 8] : [16, 8, 4];
  const fills = (rowGroups: number) => Math.ceil(rows / (4 * rowGroups)) * kvHeads >= FILLING;
  return {
    LANES: lanes,
    ROW_GROUPS: sizes.find(fills) ?? sizes.at(-1)!,
    PER_LANE: pass === 'backwardKv' && columns > 1 ? 2 : 4,
    COLUMNS: Math.min(columns, lanes === 8 ? 3 : 2),
    ROUND: lanes === 8 ? 2 : 1,
    STEP: 16,
    UNROLL: pass === 'forward' ? 8 : 4,
  };
}

/** The constants of a kernel with these tiles: what follows from them and the head dimension is among them. */
export function tileConstants(tiles: AttentionTiles, headDim: number): ShaderConstants {
  const { LANES, ROW_GROUPS, PER_LANE, COLUMNS, STEP } = tiles;
  const d4 = headDim / 4;
  const CHUNK = chunkOf(headDim);
  const loads = (vec4s: number) => Math.ceil(vec4s / (LANES * ROW_GROUPS));
  return {
    ...tiles,
    CHUNK,
    PARTS: Math.ceil(d4 / (LANES * COLUMNS)),
    ROW_LOADS: loads(4 * ROW_GROUPS * CHUNK),
    OTHER_LOADS: loads(LANES * PER_LANE * CHUNK),
    VALUE_LOADS: loads(STEP * LANES * COLUMNS),
  };
}

/** Bytes of workgroup memory that a kernel with these tiles declares. */
export function attentionMemory(tiles: AttentionTiles, headDim: number): number {
  const { LANES, ROW_GROUPS, PER_LANE, COLUMNS, ROUND, STEP } = tiles;
  const stride = Math.floor(chunkOf(headDim) / 2) * 2 + 1;
  const scores = (4 * ROW_GROUPS + LANES * PER_LANE) * stride;
  const values = LANES * ROUND * (ROW_GROUPS + 1) + STEP * LANES * COLUMNS;
  return 16 * Math.max(scores, values, LANES * ROW_GROUPS);
}

/** vec4s of the head staged at a time for the scores. */
function chunkOf(headDim: number): number {
  const d4 = headDim / 4;
  let chunk = d4 < 16 ? 1 : 4;
  while (d4 % chunk !== 0) chunk -= 1;
  return chunk;
}
