import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './grid.ts';

const WG = 64;

/** How a mixture of experts chooses: the sizes, and what a chosen expert's weight is a share of. */
export interface Routing {
  experts: number;
  /** Experts a token. */
  top: number;
  /** Whether weights are shares among the chosen experts, rather than among all. */
  amongChosen: boolean;
}

/**
 * The experts of each token, those of the largest logits, and their weights: a softmax.
 * @param logits [rows, experts] f32
 * @param chosen [rows, top] u32, largest first
 * @param weights [rows, top] f32
 */
export function routeTokens(
  commands: Commands,
  { logits, chosen, weights, rows }: { logits: Tensor; chosen: Tensor; weights: Tensor; rows: number },
  { experts, top, amongChosen }: Routing,
): void {
  const constants = { WG, AMONG_CHOSEN: amongChosen };
  const groups = flatGroups(Math.ceil(rows / WG));
  commands.run('route_tokens', constants, { logits, chosen, weights }, { rows, experts, top }, groups);
}

/**
 * The gradient of `routeTokens`.
 * @param dWeights [rows, top] f32
 * @param dLogits [rows, experts] f32
 */
export function routeTokensBackward(
  commands: Commands,
  tensors: { logits: Tensor; chosen: Tensor; dWeights: Tensor; dLogits: Tensor; rows: number },
  { experts, top, amongChosen }: Routing,
): void {
  const { logits, chosen, dWeights, dLogits, rows } = tensors;
  const bound = { logits, chosen, d_weights: dWeights, d_logits: dLogits };
  const constants = { WG, AMONG_CHOSEN: amongChosen };
  const groups = flatGroups(Math.ceil(rows / WG));
  commands.run('route_tokens_backward', constants, bound, { rows, experts, top }, groups);
}
