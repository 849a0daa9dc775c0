import type { Tensor } from '../../../gpu/tensor.ts';
import {
  causalConvolution,
  causalConvolutionBackward,
  causalConvolutionState,
  causalConvolutionWeights,
  type Convolution,
} from '../../../kernels/causalConvolution.ts';
import {
  chunksOf,
  deltaRule,
  deltaRuleBackward,
  deltaRuleGates,
  deltaRuleGatesBackward,
  deltaRuleScan,
  GATES,
} from '../../../kernels/deltaRule.ts';
import { gatedRmsNorm, gatedRmsNormBackward } from '../../../kernels/gatedRmsNorm.ts';
import { groupsOf } from '../../spec/fusedProjections.ts';
import { deltaRuleColumns, type DeltaRuleMixer } from '../../spec/mixers.ts';
import type { BlockWeights } from '../../weights/weights.ts';
import { activation } from '../activations.ts';
import { addSums } from '../norm.ts';
import type { Pass } from '../pass.ts';
import { mixerGradient } from '../wideTensors.ts';
import type {
  LayerState,
  LayerTensors,
  MixedBlock,
  MixedTensors,
  Mixer,
  PoolSize,
  SequenceState,
  StateOwner,
} from './mixer.ts';
import { pastOf } from './shortConvolution.ts';

/**
 * Gated DeltaNet (Qwen3.5): a short convolution of q, k and v, the gated delta rule, and a gated RMSNorm. All between the
 * two products is f32. It remembers the last inputs of the convolution and the state of the rule.
 */
export class DeltaRule implements Mixer {
  readonly #spec: DeltaRuleMixer;

  constructor(spec: DeltaRuleMixer) {
    this.#spec = spec;
  }

  forward(
    { pass, weights }: MixedBlock,
    { projected, mixed, state }: MixedTensors & { state: LayerState | null },
  ): void {
    const { commands } = pass;
    const { rule, chunks, gated, o } = this.#tensors(pass, projected);
    const convolution = this.#convolution(pass, weights);
    const inputs = state && pastOf(state);
    causalConvolution(commands, { ...convolution, raw: projected, y: rule.qkv, past: inputs });
    if (inputs) causalConvolutionState(commands, { ...convolution, raw: projected, past: inputs });
    const { decay, stepBias } = weights.mixer;
    deltaRuleGates(commands, { ...rule, ...gated, decay: decay!, stepBias: stepBias! });
    if (state && 'rows' in state) {
      const { segments, count } = state.rows;
      deltaRuleScan(commands, { ...rule, segments, count, pool: state.tensors.state!, o });
    } else {
      const past = state && { state: state.tensors.state!, length: state.length };
      deltaRule(commands, { ...rule, ...chunks(), o, past });
    }
    gatedRmsNorm(commands, { ...this.#norm(pass, weights, projected, o), y: mixed });
  }

  backward(
    { pass, weights }: MixedBlock,
    { projected, dMixed, own }: MixedTensors & { dMixed: Tensor; own: BlockWeights | null },
  ): Tensor {
    const { commands, workspace, rows } = pass;
    const { keyDim, valueHeads, valueDim } = this.#spec;
    const { rule, chunks: makeChunks, gated, o } = this.#tensors(pass, projected);
    const chunks = makeChunks();
    const scratch = (name: string, shape: readonly number[]) => workspace.get(name, 'f32', shape);
    const dProjected = mixerGradient(pass, this.#spec);
    const gradients = scratch('delta rule gradients', [2, rows, valueHeads, valueDim]);
    const { taps, decay, stepBias, outputNorm } = own?.mixer ?? {};
    const dWeight = outputNorm ? scratch('dNorm of heads', [rows, valueDim]) : null;
    const norm = this.#norm(pass, weights, projected, o);
    gatedRmsNormBackward(commands, { ...norm, dy: dMixed, dx: gradients, dProjected, dWeight });
    if (dWeight && outputNorm) addSums(pass, { dy: dWeight, rows, columns: valueDim, sums: outputNorm });
    const back = {
      gradients,
      dStates: scratch('delta rule dStates', chunks.states.shape),
      dKeys: scratch('delta rule dKeys', [3, rows, valueHeads, keyDim]),
      dQkv: scratch('delta rule dQkv', rule.qkv.shape),
    };
    deltaRuleBackward(commands, { ...rule, ...chunks, ...back });
    const dSmall = decay ? scratch('delta rule dGates', [rows, 2, valueHeads]) : null;
    deltaRuleGatesBackward(commands, { ...rule, ...gated, ...back, dProjected, dSmall });
    if (dSmall && decay && stepBias) {
      const small = { dy: dSmall, rows, columns: valueHeads, stride: 2 * valueHeads };
      addSums(pass, { ...small, start: 0, sums: decay });
      addSums(pass, { ...small, start: valueHeads, sums: stepBias });
    }
    const convolution = { ...this.#convolution(pass, weights), raw: projected, dy: back.dQkv };
    causalConvolutionBackward(commands, { ...convolution, dRaw: dProjected });
    if (taps) {
      const sums = (use: string, elements: number) => scratch(`taps ${use}`, [elements]);
      causalConvolutionWeights(commands, { ...convolution, dTaps: taps, dBias: null, scratch: sums });
    }
    return dProjected;
  }

  /** inputs [taps − 1, columns of q, k and v], state [valueHeads, keyDim, valueDim], f32. */
  createState(owner: StateOwner): SequenceState {
    return { tensors: this.createPool(owner, { keys: 0, states: 1 }), length: 0 };
  }

  createPool({ gpu }: StateOwner, { states }: PoolSize): LayerTensors {
    const { taps, valueHeads, keyDim, valueDim } = this.#spec;
    const tensor = (name: string, shape: readonly number[]) => gpu.memory.tensor('f32', shape, name);
    return {
      inputs: tensor('cached inputs', [states * Math.max(1, taps - 1), deltaRuleColumns(this.#spec)]),
      state: tensor('recurrent state', [states, valueHeads, keyDim, valueDim]),
    };
  }

  /** What the forward pass leaves for the backward pass. */
  #tensors(pass: Pass, projected: Tensor) {
    const { rows, segmentStart } = pass;
    const { keyHeads, valueHeads, keyDim, valueDim } = this.#spec;
    const own = (name: string, shape: readonly number[]) =>
      activation(pass, `delta rule ${name}`, 'f32', shape);
    const stride = this.#stride(pass);
    const columns = deltaRuleColumns(this.#spec);
    const betaStart = columns + valueHeads * valueDim;
    return {
      rule: {
        rows,
        keyHeads,
        valueHeads,
        keyDim,
        valueDim,
        segmentStart,
        qkv: own('qkv', [rows, columns]),
        gates: own('gates', [rows, GATES, valueHeads]),
      },
      gated: {
        projected,
        stride,
        betaStart,
        decayStart: betaStart + valueHeads,
        norms: own('norms', [rows, 2 * keyHeads]),
      },
      // Not made where sequences decode together.
      chunks: () => ({
        w: own('w', [rows, valueHeads, keyDim]),
        added: own('added', [rows, valueHeads, valueDim]),
        states: own('states', [chunksOf(rows), valueHeads, keyDim, valueDim]),
      }),
      o: own('o', [rows, valueHeads, valueDim]),
    };
  }

  #stride({ spec }: Pass): number {
    return groupsOf(spec, this.#spec).mixerIn.width;
  }

  #convolution(pass: Pass, { mixer }: BlockWeights): Convolution {
    const { rows, segmentStart, segmentEnd } = pass;
    return {
      form: 'silu',
      rows,
      channels: deltaRuleColumns(this.#spec),
      stride: this.#stride(pass),
      taps: this.#spec.taps,
      weight: mixer.taps!,
      bias: null,
      segmentStart,
      segmentEnd,
    };
  }

  #norm(pass: Pass, { mixer }: BlockWeights, projected: Tensor, x: Tensor) {
    const { valueHeads, valueDim } = this.#spec;
    return {
      rows: pass.rows,
      heads: valueHeads,
      headDim: valueDim,
      x,
      projected,
      stride: this.#stride(pass),
      start: deltaRuleColumns(this.#spec),
      weight: mixer.outputNorm!,
      eps: pass.spec.normEps,
    };
  }
}
