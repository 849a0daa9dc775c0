import type { ShaderConstants } from '../gpu/assemble.ts';
import type { ElementType } from '../gpu/tensor.ts';
import { assert } from '../lib/errors.ts';
import { attentionTiles, type AttentionPass, type AttentionTiles } from './attentionTiles.ts';
import { isNarrow } from './narrow.ts';

/**
 * How an attention kernel shares work: `tiled` stages tiles in workgroup memory, `subgroup` hands rows round within
 * a subgroup and keeps the rest in registers.
 */
export type AttentionForm = 'tiled' | 'subgroup';

/** The form to use, or tiles in place of those `attentionTiles` chooses. */
export type AttentionChoice = AttentionForm | Partial<AttentionTiles>;

/** What decides which kernel is best. */
export interface AttentionProblem {
  pass: AttentionPass;
  headDim: number;
  /** Rows of one KV head: T · H / Hkv queries, or T keys for dK and dV. */
  rows: number;
  /** Queries of one KV head, T · H / Hkv. */
  queries: number;
  /** Of q, k and v. */
  type: ElementType;
  /** Threads of a subgroup, or null where shaders cannot use them. */
  subgroup: number | null;
}

/** A kernel for a pass: its shader and constants, and the rows a workgroup owns. */
export interface AttentionKernel {
  shader: string;
  constants: ShaderConstants;
  owned: number;
}

const shaders: Record<AttentionPass, string> = {
  forward: 'attention',
  backwardQ: 'attention_backward_q',
  backwardKv: 'attention_backward_kv',
};

/** Numbers of the rows of a workgroup in the subgroup form: more take compilers seconds, fewer cost loads. */
const NUMBERS = 1024;
/** More rows a thread bring nothing. */
const MOST_ROWS = 4;

/**
 * The one place where an attention kernel is chosen: in registers where subgroups are a processor's vectors, in
 * tiles elsewhere.
 */
export function attentionKernel(problem: AttentionProblem, choice?: AttentionChoice): AttentionKernel {
  const { pass, headDim, subgroup } = problem;
  if ((choice ?? (isNarrow(subgroup) ? 'subgroup' : 'tiled')) === 'subgroup') {
    assert(subgroup !== null, 'attention: this device has no subgroups of one size');
    return inSubgroups(problem, subgroup);
  }
  const chosen = typeof choice === 'object' ? choice : {};
  const tiles = { ...attentionTiles(pass, headDim, problem.queries, problem.type), ...chosen };
  return { shader: shaders[pass], constants: { ...tiles }, owned: 4 * tiles.ROW_GROUPS };
}

function inSubgroups({ pass, headDim, rows }: AttentionProblem, size: number): AttentionKernel {
  const most = Math.min(MOST_ROWS, Math.floor(NUMBERS / (size * headDim)), Math.ceil(rows / size));
  const ROWS = Math.max(1, most);
  return {
    shader: `${shaders[pass]}_subgroup`,
    constants: { SUBGROUP: size, ROWS, HELD: Math.ceil(headDim / 4 / size) },
    owned: size * ROWS,
  };
}
