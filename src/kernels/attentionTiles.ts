import { bytesOf, type ElementType } from '../gpu/tensor.ts';

/** Sizes of an attention kernel's tiles; see shaders/lib/attention.wgsl for what each one does. */
export interface AttentionTiles {
  /** Threads that share four rows. */
  LANES: number;
  /** Groups of four rows in a workgroup. */
  ROW_GROUPS: number;
  /** Entries of the other side that a thread scores in one tile. */
  PER_LANE: number;
  /** vec4s of the head staged at once for the scores. */
  CHUNK: number;
  /** vec4s of the head that a thread sums from one staged part. */
  COLUMNS: number;
}

/** The kernels that have tiles. */
export type AttentionPass = 'forward' | 'backwardQ' | 'backwardKv';

/** Workgroup memory that every adapter has. */
const MEMORY = 16 * 1024;

/**
 * The one place where attention tiles are chosen: at most 16 KiB of workgroup memory and 128 threads, about two
 * vec4 columns of sums a thread, and 32 entries of the other side where they fit. Small heads get 16: more would
 * bring nothing and lengthen the compilation.
 * @param rows queries of one KV head, T · H / Hkv; few of them (decoding) take a smaller tile with more lanes
 * @param type of q, k and v; the backward kernels stage f32 whatever it is
 */
export function attentionTiles(
  pass: AttentionPass,
  headDim: number,
  rows: number,
  type: ElementType,
): AttentionTiles {
  const d4 = headDim / 4;
  const few = pass === 'forward' && rows <= 16;
  const wide = d4 > (pass === 'backwardKv' ? 16 : 24);
  const lanes = few || wide ? 16 : 8;
  const tiles = (others: number, chunk: number): AttentionTiles => ({
    LANES: lanes,
    ROW_GROUPS: few ? 2 : 8,
    PER_LANE: others / lanes,
    CHUNK: Math.min(d4, chunk),
    COLUMNS: Math.min(Math.ceil(d4 / lanes), d4 > 32 ? 2 : 3),
  });
  const smallest = tiles(16, pass === 'forward' ? 8 : 4);
  if (d4 <= 4 || pass === 'backwardKv') return smallest;
  const candidates = pass === 'forward' ? [tiles(32, 16), tiles(32, 8)] : [tiles(32, 4)];
  return candidates.find((c) => attentionMemory(pass, c, type) <= MEMORY) ?? smallest;
}

/** Bytes of workgroup memory that a kernel with these tiles declares. */
export function attentionMemory(pass: AttentionPass, tiles: AttentionTiles, type: ElementType): number {
  const { LANES, ROW_GROUPS, PER_LANE, CHUNK, COLUMNS } = tiles;
  const others = LANES * PER_LANE;
  const lines = 4 * ROW_GROUPS + others;
  const part = others * LANES * COLUMNS;
  const scores = others * ROW_GROUPS * 16;
  if (pass === 'forward') {
    const staged = Math.max(lines * (CHUNK + 1), part) * 4 * bytesOf(type);
    return staged + scores + LANES * ROW_GROUPS * 16;
  }
  const staged = Math.max(2 * lines * (CHUNK + 1), part) * 16;
  return staged + (pass === 'backwardKv' ? 2 : 1) * scores;
}
