import type { ShaderConstants } from '../gpu/assemble.ts';
import { assert } from '../../base/lib/errors.ts';
import {
  attentionTiles,
  tileConstants,
  type AttentionPass,
  type AttentionTiles,
  type TiledAttention,
} from './attentionTiles.ts';
import type { KernelKind } from '../gpu/kernelKind.ts';

/**
 * How an attention kernel shares work: `tiled` stages tiles in workgroup memory, `subgroup` exchanges rows by shuffles
 * within a subgroup and holds the rest in registers.
 */
export type AttentionForm = 'tiled' | 'subgroup';

/** The form to use, or tile sizes that override those of `attentionTiles`. */
export type AttentionChoice = AttentionForm | Partial<AttentionTiles>;

/** What the choice of a kernel depends on. */
export interface AttentionProblem extends TiledAttention {
  /** Threads per subgroup, or null if shaders cannot use them. */
  subgroup: number | null;
  kernelKind: KernelKind;
}

/** The kernel of a pass: its shader and constants, and the rows each workgroup owns. */
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

/** Elements of a workgroup's rows in the subgroup form: more take compilers seconds, fewer cost loads. */
const ELEMENTS = 1024;
/** More rows per thread gain nothing. */
const MAX_ROWS = 4;

/** Chooses the attention kernel: the subgroup form where subgroups are CPU vectors, tiles elsewhere. */
export function attentionKernel(problem: AttentionProblem, choice?: AttentionChoice): AttentionKernel {
  const { pass, headDim, subgroup, kernelKind } = problem;
  if ((choice ?? (kernelKind === 'vectors' ? 'subgroup' : 'tiled')) === 'subgroup') {
    assert(subgroup !== null, 'attention: this device has no subgroups of one size');
    return inSubgroups(problem, subgroup);
  }
  const chosen = typeof choice === 'object' ? choice : {};
  const tiles = { ...attentionTiles(problem), ...chosen };
  return { shader: shaders[pass], constants: tileConstants(tiles, headDim), owned: 4 * tiles.ROW_GROUPS };
}

function inSubgroups({ pass, headDim, rows }: AttentionProblem, size: number): AttentionKernel {
  const maxRows = Math.min(MAX_ROWS, Math.floor(ELEMENTS / (size * headDim)), Math.ceil(rows / size));
  const ROWS = Math.max(1, maxRows);
  return {
    shader: `${shaders[pass]}_subgroup`,
    constants: { SUBGROUP: size, ROWS, HELD: Math.ceil(headDim / 4 / size) },
    owned: size * ROWS,
  };
}
