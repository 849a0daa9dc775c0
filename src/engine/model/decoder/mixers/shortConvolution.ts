import type { Tensor } from '../../../gpu/tensor.ts';
import {
  causalConvolution,
  causalConvolutionBackward,
  causalConvolutionState,
  causalConvolutionWeights,
  type Convolution,
  type ConvolutionPast,
  type PooledPast,
} from '../../../kernels/causalConvolution.ts';
import type { ShortConvolutionMixer } from '../../spec/mixers.ts';
import type { BlockWeights } from '../../weights/weights.ts';
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

/** The gated short convolution of LFM2, which remembers the last inputs of the convolution. */
export class ShortConvolution implements Mixer {
  readonly #spec: ShortConvolutionMixer;

  constructor(spec: ShortConvolutionMixer) {
    this.#spec = spec;
  }

  forward(
    { pass, weights }: MixedBlock,
    { projected, mixed, state }: MixedTensors & { state: LayerState | null },
  ): void {
    const { commands } = pass;
    const shape = this.#convolution(pass, weights);
    const past = state && pastOf(state);
    causalConvolution(commands, { ...shape, raw: projected, y: mixed, past });
    if (past) causalConvolutionState(commands, { ...shape, raw: projected, past });
  }

  backward(
    { pass, weights }: MixedBlock,
    { projected: raw, dMixed: dy, own }: MixedTensors & { dMixed: Tensor; own: BlockWeights | null },
  ): Tensor {
    const { commands, workspace } = pass;
    const shape = this.#convolution(pass, weights);
    const dRaw = mixerGradient(pass, this.#spec);
    causalConvolutionBackward(commands, { ...shape, raw, dy, dRaw });
    const { taps, tapsBias = null } = own?.mixer ?? {};
    if (taps) {
      const scratch = (use: string, elements: number) => workspace.get(`taps ${use}`, 'f32', [elements]);
      causalConvolutionWeights(commands, { ...shape, raw, dy, dTaps: taps, dBias: tapsBias, scratch });
    }
    return dRaw;
  }

  /** [taps − 1, hidden size]: B · x of the last tokens. */
  createState(owner: StateOwner): SequenceState {
    return { tensors: this.createPool(owner, { keys: 0, states: 1 }), length: 0 };
  }

  createPool({ gpu, spec }: StateOwner, { states }: PoolSize): LayerTensors {
    const shape = [states * Math.max(1, this.#spec.taps - 1), spec.hiddenSize];
    return { inputs: gpu.memory.tensor('f32', shape, 'cached inputs') };
  }

  #convolution({ rows, spec, segmentStart, segmentEnd }: Pass, { mixer }: BlockWeights): Convolution {
    return {
      form: 'gated',
      rows,
      channels: spec.hiddenSize,
      stride: 3 * spec.hiddenSize,
      taps: this.#spec.taps,
      weight: mixer.taps!,
      bias: mixer.tapsBias ?? null,
      segmentStart,
      segmentEnd,
    };
  }
}

/** What the convolution of a state goes on from. */
export function pastOf(state: LayerState): ConvolutionPast | PooledPast {
  const inputs = state.tensors.inputs!;
  return 'rows' in state ? { inputs, ...state.rows } : { inputs, length: state.length };
}
