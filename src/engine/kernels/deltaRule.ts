import type { ShaderConstants } from '../gpu/assemble.ts';
import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './grid.ts';
import type { PooledSegments } from './segmentPool.ts';

/** Tokens of a chunk: within one, tokens are solved together; between them, there is a state. */
export const CHUNK = 32;
/** Values a head of a token has in `gates`: β, g, dg/da, and the gradients of β and g. */
export const GATES = 5;
const WG = 128;
/** Threads of the kernels that need workgroup memory for a column of each. */
const SOLVE_WG = 64;
/** Threads that each take a column of a state through all tokens of a segment. */
const SCAN_WG = 64;
/** Threads that reduce over a head. */
const LANES = 8;
/** Elements of a state that a workgroup holds, at most. */
const STATE_TILE = 2048;
const MAX_COLUMNS = 16;

/** The sizes of a gated delta rule; consecutive value heads share a key head. */
export interface DeltaRule {
  /** T */
  rows: number;
  keyHeads: number;
  valueHeads: number;
  /** Dk */
  keyDim: number;
  /** Dv */
  valueDim: number;
  /** [T] u32: first token of each token's segment. */
  segmentStart: Tensor;
  /** [T, 2 · keyHeads · Dk + valueHeads · Dv] f32: q, k and v of each token. */
  qkv: Tensor;
  /** [T, GATES, valueHeads] f32 */
  gates: Tensor;
}

/** What follows from q, k, v and the gates, f32. */
export interface DeltaRuleChunks {
  /** [T, valueHeads, Dk] */
  w: Tensor;
  /** [T, valueHeads, Dv], what each token adds to the state along its key. */
  added: Tensor;
  /** [chunks, valueHeads, Dk, Dv], the state before each chunk. */
  states: Tensor;
}

/** What the gates of a token are made of. */
export interface DeltaRuleGates {
  /** [T, stride] f32 or f16, where columns from `betaStart` and `decayStart` on hold b and a, one per value head. */
  projected: Tensor;
  stride: number;
  betaStart: number;
  decayStart: number;
  /** [T, 2 · keyHeads] f32, one over the lengths of q and k. */
  norms: Tensor;
}

/** Chunks of so many tokens. */
export function chunksOf(rows: number): number {
  return Math.ceil(rows / CHUNK);
}

/**
 * Normalizes q and k in place, and computes β = sigmoid(b) and g = −exp(decay) · softplus(a + stepBias).
 * @param decay, stepBias [valueHeads] f32
 */
export function deltaRuleGates(
  commands: Commands,
  rule: DeltaRule & DeltaRuleGates & { decay: Tensor; stepBias: Tensor },
): void {
  const { rows, valueHeads, qkv, gates, projected, norms, decay, stepBias } = rule;
  commands.run(
    'delta_rule_gates',
    { E: projected.type, WG, LANES, ...headConstants(rule) },
    { qkv, projected, decay, step_bias: stepBias, norms, gates },
    {
      rows,
      value_heads: valueHeads,
      stride: rule.stride,
      of_b: rule.betaStart,
      of_a: rule.decayStart,
    },
    flatGroups(rows),
  );
}

/**
 * The gated delta rule (Yang et al., 2024) over the tokens of each segment, in chunks, so that its cost is linear in
 * tokens: S ← e^g S; S ← S + k (β (v − Sᵀ k))ᵀ; o = Sᵀ q.
 * @param o [T, valueHeads, Dv] f32
 * @param past when decoding: state [valueHeads, Dk, Dv] f32 after `length` tokens, which becomes that after these
 */
export function deltaRule(
  commands: Commands,
  {
    w,
    added,
    states,
    o,
    past,
    ...rule
  }: DeltaRule & DeltaRuleChunks & { o: Tensor; past: { state: Tensor; length: number } | null },
): void {
  const { qkv, gates, segmentStart, valueHeads } = rule;
  const inputs = { qkv, gates, segment_start: segmentStart };
  const sizes = { ...sizesOf(rule), known: past ? Math.min(past.length, 1) : 0 };
  const before = { PAST: past !== null };
  const perChunk = flatGroups(chunksOf(rule.rows) * valueHeads);
  const solved = { CHUNK, WG: SOLVE_WG, ...before };
  commands.run('delta_rule_solve', solved, { ...inputs, w, u: added }, sizes, perChunk);
  const { columns, groups } = stateTiles(rule);
  commands.run(
    'delta_rule_states',
    { CHUNK, WG, STATE: STATE_TILE, MOST: MAX_COLUMNS, ...before },
    { ...inputs, w, u: added, states, ...(past && { state: past.state }) },
    { ...sizes, columns },
    groups,
  );
  const scored = { CHUNK, WG, ...before };
  commands.run('delta_rule_output', scored, { ...inputs, added, states, o }, sizes, perChunk);
}

/**
 * The same of sequences that decode together, token after token: cheap where segments are mostly one token.
 * @param pool their states, [·, valueHeads, Dk, Dv] f32
 * @param o [T, valueHeads, Dv] f32
 */
export function deltaRuleScan(
  commands: Commands,
  {
    segments,
    count,
    pool,
    o,
    ...rule
  }: DeltaRule & Pick<PooledSegments, 'segments' | 'count'> & { pool: Tensor; o: Tensor },
): void {
  const { qkv, gates, keyHeads, valueHeads, keyDim, valueDim } = rule;
  commands.run(
    'delta_rule_scan',
    { WG: SCAN_WG },
    { qkv, gates, segments, pool, o },
    { segments: count, key_heads: keyHeads, value_heads: valueHeads, key_dim: keyDim, value_dim: valueDim },
    flatGroups(count * valueHeads * Math.ceil(valueDim / SCAN_WG)),
  );
}

/** Scratch of the backward pass, f32. */
export interface DeltaRuleGradients {
  /** [2, T, valueHeads, Dv]: of o, which is read; then of what each token adds. */
  gradients: Tensor;
  /** In the layout of states. */
  dStates: Tensor;
  /** [3, T, valueHeads, Dk]: of q and k per value head, and what both need. */
  dKeys: Tensor;
  /** In the layout of qkv: of q, k and v before they are normalized. */
  dQkv: Tensor;
}

/**
 * The gradient of `deltaRule` for q, k, v and the gates.
 * @param rule after `deltaRule`; the gradients of β and g are written to its gates
 */
export function deltaRuleBackward(
  commands: Commands,
  {
    w,
    added,
    states,
    gradients,
    dStates,
    dKeys,
    dQkv,
    ...rule
  }: DeltaRule & DeltaRuleChunks & DeltaRuleGradients,
): void {
  const { rows, qkv, gates, segmentStart, valueHeads, keyDim, valueDim } = rule;
  const inputs = { qkv, gates, segment_start: segmentStart };
  const sizes = { ...sizesOf(rule), second: rows * valueHeads * valueDim };
  const perChunk = flatGroups(chunksOf(rows) * valueHeads);
  const scored = { CHUNK, WG, PAST: false };
  commands.run('delta_rule_output_backward', scored, { ...inputs, gradients }, sizes, perChunk);
  const { columns, groups } = stateTiles(rule);
  commands.run(
    'delta_rule_states_backward',
    { CHUNK, WG, STATE: STATE_TILE, MOST: MAX_COLUMNS, PAST: false },
    { ...inputs, w, gradients, d_states: dStates },
    { ...sizes, columns },
    groups,
  );
  const solved = { CHUNK, WG: SOLVE_WG, PAST: false };
  commands.run('delta_rule_solve_backward', solved, { ...inputs, gradients, d_qkv: dQkv }, sizes, perChunk);
  const part = rows * valueHeads * keyDim;
  commands.run(
    'delta_rule_keys_backward',
    scored,
    { ...inputs, added, gradients, states, d_states: dStates, d_keys: dKeys },
    { ...sizes, of_k: part, of_z: 2 * part },
    perChunk,
  );
}

/**
 * The gradient of `deltaRuleGates`, after `deltaRuleBackward`.
 * @param dProjected [T, stride] f32, of which the columns of b and a are written
 * @param dSmall [T, 2, valueHeads] f32, overwritten with each token's gradients of decay and stepBias; null if they are
 *   frozen
 */
export function deltaRuleGatesBackward(
  commands: Commands,
  {
    dKeys,
    dQkv,
    dProjected,
    dSmall,
    ...rule
  }: DeltaRule &
    DeltaRuleGates &
    Pick<DeltaRuleGradients, 'dKeys' | 'dQkv'> & { dProjected: Tensor; dSmall: Tensor | null },
): void {
  const { rows, valueHeads, keyDim, qkv, gates, norms } = rule;
  commands.run(
    'delta_rule_gates_backward',
    { WG, LANES, ...headConstants(rule), TRAINED: dSmall !== null },
    {
      qkv,
      norms,
      gates,
      d_keys: dKeys,
      d_qkv: dQkv,
      d_projected: dProjected,
      ...(dSmall && { d_small: dSmall }),
    },
    {
      rows,
      value_heads: valueHeads,
      stride: rule.stride,
      of_b: rule.betaStart,
      of_a: rule.decayStart,
      of_k: rows * valueHeads * keyDim,
    },
    flatGroups(rows),
  );
}

function headConstants({ keyHeads, keyDim, valueDim }: DeltaRule): ShaderConstants {
  return { DK: keyDim, DV: valueDim, HEADS: 2 * keyHeads };
}

function sizesOf({ rows, keyHeads, valueHeads, keyDim, valueDim }: DeltaRule) {
  return {
    rows,
    chunks: chunksOf(rows),
    key_heads: keyHeads,
    value_heads: valueHeads,
    key_dim: keyDim,
    value_dim: valueDim,
  };
}

/** Columns of a state that a workgroup takes, and the workgroups of all heads. */
function stateTiles({ valueHeads, keyDim, valueDim }: DeltaRule) {
  const columns = Math.min(MAX_COLUMNS, Math.floor(STATE_TILE / keyDim));
  return { columns, groups: flatGroups(valueHeads * Math.ceil(valueDim / columns)) };
}
