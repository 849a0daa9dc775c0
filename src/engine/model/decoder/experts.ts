import type { Tensor } from '../../gpu/tensor.ts';
import { sortByExpert, sumPlaces, type ExpertOrder } from '../../kernels/expertOrder.ts';
import { gluGradientStride, weighedGlu, weighedGluBackward } from '../../kernels/glu.ts';
import { routeTokens, routeTokensBackward } from '../../kernels/routing.ts';
import { gatherRows } from '../../kernels/rows.ts';
import { assert } from '../../../base/lib/errors.ts';
import { groupsOf } from '../spec/fusedProjections.ts';
import type { ExpertsSpec } from '../spec/experts.ts';
import type { BlockWeights } from '../weights/weights.ts';
import { activation } from './activations.ts';
import { expertLoraHidden, expertProduct, expertProductBackward } from './expertProducts.ts';
import { groupBackward, groupForward } from './linear.ts';
import type { ParameterBuffers } from './parameters.ts';
import type { Pass } from './pass.ts';

/** Activations that the backward pass needs. A pair is a token and one of its experts; pairs are sorted by expert. */
interface ExpertActivations {
  /** [T, experts] f32, the router's. */
  logits: Tensor;
  /** [T, top]: the experts of each token, and their weights. */
  chosen: Tensor;
  weights: Tensor;
  order: ExpertOrder;
  /** [pairs, d], the input of each pair's expert. */
  inputs: Tensor;
  /** [pairs, 2 · width], gate and up next to each other. */
  gateUp: Tensor;
  /** [pairs, width], times the pair's weight: what follows is linear. */
  activated: Tensor;
}

/**
 * y = residual + the experts' outputs for x, weighed: Σ_j weight_j · down_j(act(gate_j(x)) · up_j(x)) over the chosen experts of a
 * token. All are computed for the tokens that chose them, in the order of the tokens, so that all sums have fixed orders.
 * @param x [T, d] of the pass's type
 * @param y [T, d] f32
 * @param residual likewise, may be y; null for none
 */
export function expertsForward(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  { x, y, residual }: { x: Tensor; y: Tensor; residual: Tensor | null },
): void {
  const { commands, rows, spec } = pass;
  const { hiddenSize: dim } = spec;
  const { top } = expertsOf(pass);
  const at = expertsInner(pass, layer, weights, x);
  const outputs = expertRows(pass, dim);
  expertProduct(pass, { layer, group: 'expertsOut' }, weights, at.order, { x: at.activated, y: outputs });
  sumPlaces(commands, { x: outputs, places: at.order.places, y, rows, dim, top, residual });
}

/** The forward pass up to the activation, which the backward pass computes again. */
function expertsInner(pass: Pass, layer: number, weights: BlockWeights, x: Tensor): ExpertActivations {
  const { commands, rows, spec } = pass;
  const experts = expertsOf(pass);
  const at = activationsOf(pass);
  const { logits, chosen, order } = at;
  const router = { layer, group: groupsOf(spec).router };
  groupForward(pass, router, weights.groups.router, { x, y: logits });
  routeTokens(commands, { logits, chosen, weights: at.weights, rows }, experts);
  const pairs = rows * experts.top;
  sortByExpert(commands, { chosen, order, count: pairs }, experts);
  gatherRows(commands, { x, y: at.inputs, index: order.tokens, rows: pairs, dim: spec.hiddenSize });
  const inner = { x: at.inputs, y: at.gateUp };
  expertProduct(pass, { layer, group: 'expertsIn' }, weights, order, inner);
  const { gateUp, activated: h } = at;
  const glu = { gateUp, h, rows: pairs, width: experts.width, form: spec.glu };
  weighedGlu(commands, { ...glu, weights: at.weights, pairs: order.pairs });
  return at;
}

/** Computes what the backward pass needs of the experts again, given their input. */
export function recomputeExperts(pass: Pass, layer: number, weights: BlockWeights, x: Tensor): void {
  const { order, activated } = expertsInner(pass, layer, weights, x);
  expertLoraHidden(pass, { layer, group: 'expertsOut' }, order, activated);
}

/**
 * The gradient of `expertsForward`, whose activations are in the workspace.
 * @param dy [T, d] f32
 * @param dx [T, d] f32, the gradient of x; added to if `accumulate`
 */
export function expertsBackward(
  pass: Pass,
  layer: number,
  weights: BlockWeights,
  tensors: { x: Tensor; dy: Tensor; dx: Tensor; accumulate: boolean; grads: ParameterBuffers },
): void {
  const { x, dy, dx, grads } = tensors;
  const { commands, workspace, rows, spec, type } = pass;
  const { hiddenSize: dim } = spec;
  const experts = expertsOf(pass);
  const at = activationsOf(pass);
  const { order, gateUp } = at;
  const { top, width } = experts;
  const pairs = rows * top;
  const dOutputs = expertRows(pass, dim);
  gatherRows(commands, { x: dy, y: dOutputs, index: order.tokens, rows: pairs, dim });
  const ldx = gluGradientStride(type, width, spec.glu);
  const dActivated = workspace.get('expert gradients', 'f32', [pairs, ldx]);
  const out = { x: at.activated, dy: dOutputs, dx: dActivated, ldx, grads };
  expertProductBackward(pass, { layer, group: 'expertsOut' }, weights, order, out);
  const dWeights = workspace.get('d expert weights', 'f32', [rows, top]);
  const glu = { gateUp, dh: dActivated, dWeights, rows: pairs, width, form: spec.glu };
  const dGateUp = weighedGluBackward(commands, { ...glu, weights: at.weights, pairs: order.pairs });
  const dInputs = expertRows(pass, dim);
  const inner = { x: at.inputs, dy: dGateUp, dx: dInputs, ldx: dim, grads };
  expertProductBackward(pass, { layer, group: 'expertsIn' }, weights, order, inner);
  const dLogits = workspace.get('d router logits', 'f32', [rows, experts.experts]);
  routeTokensBackward(commands, { logits: at.logits, chosen: at.chosen, dWeights, dLogits, rows }, experts);
  const router = { layer, group: groupsOf(spec).router };
  const toRouter = { x, dy: dLogits, dx, grads, accumulate: tensors.accumulate };
  groupBackward(pass, router, weights.groups.router, toRouter);
  sumPlaces(commands, { x: dInputs, places: order.places, y: dx, rows, dim, top, residual: dx });
}

/** [pairs, d] f32 that experts write: their outputs, or gradients of them or of their inputs. */
function expertRows(pass: Pass, dim: number): Tensor {
  return pass.workspace.get('expert rows', 'f32', [pass.rows * expertsOf(pass).top, dim]);
}

function expertsOf({ spec }: Pass): ExpertsSpec {
  assert(spec.experts, 'a model without experts');
  return spec.experts;
}

function activationsOf(pass: Pass): ExpertActivations {
  const { rows, spec, type } = pass;
  const { experts, top, width } = expertsOf(pass);
  const pairs = rows * top;
  const of = (name: string, kind: typeof type, ...shape: number[]) =>
    activation(pass, `expert ${name}`, kind, shape);
  return {
    logits: of('logits', 'f32', rows, experts),
    chosen: of('choices', 'u32', rows, top),
    weights: of('weights', 'f32', rows, top),
    order: {
      starts: of('starts', 'u32', experts + 1),
      pairs: of('pairs', 'u32', pairs),
      tokens: of('tokens', 'u32', pairs),
      places: of('places', 'u32', pairs),
    },
    inputs: of('inputs', type, pairs, spec.hiddenSize),
    gateUp: of('gate and up', type, pairs, 2 * width),
    activated: of('activated', type, pairs, width),
  };
}
