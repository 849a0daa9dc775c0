import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { assert } from '../../base/lib/errors.ts';
import { flatGroups } from './grid.ts';

const WG = 64;
/** Query heads that share the keys a workgroup loads, at most: each needs registers and workgroup memory. */
const MAX_HEADS = 4;

/** Arguments of `attentionCached`. q, k, v and o have the same type, f32 or f16. */
export interface AttentionCached {
  /** [T, H, D] */
  q: Tensor;
  /** [·, Hkv, D], a pool of keys of many sequences. */
  k: Tensor;
  /** In the layout of k. */
  v: Tensor;
  /** [T, H, D], overwritten */
  o: Tensor;
  /**
   * [T, 4] u32, where the keys of each token are in the pool: first row and rows of what it shares with others, first
   * row of its own, and keys in all, itself included.
   */
  spans: Tensor;
  /** T */
  rows: number;
  /** H, a multiple of kvHeads */
  heads: number;
  kvHeads: number;
  /** D, a multiple of 4 */
  headDim: number;
  /** Each token sees this many keys, its own included; 0 for all. */
  window: number;
  /** Multiplies q·k. */
  scale: number;
  /** Limits scores softly; 0 does not. */
  cap?: number;
}

/** Causal grouped-query attention of tokens of many sequences over their cached keys, for decoding. */
export function attentionCached(commands: Commands, tensors: AttentionCached): void {
  const { q, k, v, o, spans, rows, heads, kvHeads, headDim, window, scale, cap = 0 } = tensors;
  assert(
    headDim % 4 === 0 && heads % kvHeads === 0,
    'attentionCached: heads are whole vec4s, and share KV heads evenly',
  );
  const group = heads / kvHeads;
  const shared = sharedHeads(group);
  const columns = headDim / 4;
  commands.run(
    'attention_cached',
    {
      WG,
      E: q.type,
      D4: columns,
      GROUP: group,
      HEADS: shared,
      ITEMS: Math.ceil((shared * columns) / WG),
      ...(cap > 0 && { CAPPED: true, CAP: cap }),
    },
    { q, k, v, spans, o },
    { rows, columns, kv_heads: kvHeads, window, scale },
    flatGroups((rows * heads) / shared),
  );
}

/** The most heads of a group, up to a limit, that divide it. */
function sharedHeads(group: number): number {
  let shared = Math.min(group, MAX_HEADS);
  while (group % shared !== 0) shared -= 1;
  return shared;
}
