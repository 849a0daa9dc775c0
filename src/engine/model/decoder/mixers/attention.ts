import { attention, attentionBackward } from '../../../kernels/attention.ts';
import {
  headElements,
  headsIn,
  rope,
  ropeBackward,
  type HeadNorm,
  type Heads,
  type HeadShape,
} from '../../../kernels/rope.ts';
import { outputGate, outputGateBackward } from '../../../kernels/outputGate.ts';
import type { Tensor } from '../../../gpu/tensor.ts';
import { groupsOf } from '../../spec/fusedProjections.ts';
import type { AttentionMixer } from '../../spec/mixers.ts';
import type { BlockWeights } from '../../weights/weights.ts';
import { activation } from '../activations.ts';
import { addSums } from '../norm.ts';
import type { Pass } from '../pass.ts';
import { mixerGradient } from '../wideTensors.ts';
import type { LayerState, MixedBlock, MixedTensors, Mixer, StateOwner } from './mixer.ts';

/** Causal attention, grouped or not, with a KV cache; the output of heads may be gated. */
export class Attention implements Mixer {
  readonly #spec: AttentionMixer;

  constructor(spec: AttentionMixer) {
    this.#spec = spec;
  }

  forward(
    { pass, layer, weights }: MixedBlock,
    { projected, mixed, state }: MixedTensors & { state: LayerState | null },
  ): void {
    const { commands } = pass;
    const { kvHeads, headDim } = pass.spec;
    const parts = headsOf(pass);
    const gated = this.#spec.outputGate;
    rope(commands, { raw: projected, parts, gated, ...ropeOf(pass, layer, weights) });
    const { k, v } = state?.tensors ?? {};
    if (state) {
      commands.copyRows(parts.k, k!, state.length * kvHeads * headDim);
      commands.copyRows(parts.v, v!, state.length * kvHeads * headDim);
    }
    const o = gated ? ungated(pass) : mixed;
    attention(commands, {
      q: parts.q,
      k: k ?? parts.k,
      v: v ?? parts.v,
      o,
      lse: lseOf(pass),
      segmentStart: pass.segmentStart,
      queryOffset: state?.length ?? 0,
      ...scoresOf(pass, layer),
    });
    if (gated) outputGate(commands, { ...this.#gate(pass, projected), y: mixed });
  }

  backward(
    { pass, layer, weights }: MixedBlock,
    { projected, mixed, dMixed, own }: MixedTensors & { dMixed: Tensor; own: BlockWeights | null },
  ): Tensor {
    const { commands, workspace, spec, rows } = pass;
    const { heads, kvHeads, headDim, headNorm } = spec;
    const shape = headShape(pass);
    const parts = headsOf(pass);
    const dParts = headsIn(workspace.get('dHeads', 'f32', [headElements(shape)]), shape);
    const dProjected = mixerGradient(pass, this.#spec);
    const gated = this.#spec.outputGate;
    if (gated) outputGateBackward(commands, { ...this.#gate(pass, projected), d: dMixed, dRaw: dProjected });
    attentionBackward(commands, {
      q: parts.q,
      k: parts.k,
      v: parts.v,
      o: gated ? ungated(pass) : mixed,
      lse: lseOf(pass),
      dO: dMixed,
      delta: workspace.get('attention delta', 'f32', [rows, 2 * heads]),
      dQ: dParts.q,
      dK: dParts.k,
      dV: dParts.v,
      segmentStart: pass.segmentStart,
      segmentEnd: pass.segmentEnd,
      ...scoresOf(pass, layer),
    });
    const { qNorm, kNorm } = own?.mixer ?? {};
    // The weights of q before those of k.
    const [ofQ, ofK] = headNorm?.over === 'heads' ? [heads * headDim, kvHeads * headDim] : [headDim, headDim];
    const stride = ofQ + ofK;
    const dNorm = qNorm ? workspace.get('dNorm of heads', 'f32', [rows, stride]) : null;
    ropeBackward(commands, {
      dParts,
      raw: projected,
      dRaw: dProjected,
      dNorm,
      gated,
      ...ropeOf(pass, layer, weights),
    });
    if (dNorm && qNorm && kNorm) {
      const ofHeads = { dy: dNorm, rows, stride };
      addSums(pass, { ...ofHeads, columns: ofQ, start: 0, sums: qNorm });
      addSums(pass, { ...ofHeads, columns: ofK, start: ofQ, sums: kNorm });
    }
    return dProjected;
  }

  /** [capacity, kvHeads, headDim] each. */
  createState({ gpu, spec, type }: StateOwner, capacity: number): LayerState {
    const tensor = (name: string) => gpu.memory.tensor(type, [capacity, spec.kvHeads, spec.headDim], name);
    return { tensors: { k: tensor('cached keys'), v: tensor('cached values') }, length: 0 };
  }

  #gate(pass: Pass, raw: Tensor) {
    const { rows, spec } = pass;
    const { heads, headDim } = spec;
    const stride = groupsOf(spec, this.#spec).mixerIn.width;
    return { rows, heads, headDim, o: ungated(pass), raw, stride };
  }
}

/** What attention computes where it is gated then. */
function ungated(pass: Pass): Tensor {
  const { spec, rows, type } = pass;
  return activation(pass, 'ungated', type, [rows, spec.heads * spec.headDim]);
}

/** q, k and v after RoPE and the head norms. */
function headsOf(pass: Pass): Heads {
  const shape = headShape(pass);
  return headsIn(activation(pass, 'heads', pass.type, [headElements(shape)]), shape);
}

function lseOf(pass: Pass): Tensor {
  return activation(pass, 'lse', 'f32', [pass.rows, pass.spec.heads]);
}

function scoresOf({ spec, rows }: Pass, layer: number) {
  const { heads, kvHeads, headDim, attentionScale: scale, attentionCap: cap } = spec;
  return { rows, heads, kvHeads, headDim, window: spec.windowOf(layer), scale, cap };
}

function ropeOf({ spec, rows, positions, rotationOf }: Pass, layer: number, { mixer }: BlockWeights) {
  const { heads, kvHeads, headDim, headNorm, normEps: eps, normOffset: offset } = spec;
  const norm: HeadNorm | null = headNorm && {
    qWeight: mixer.qNorm ?? null,
    kWeight: mixer.kNorm ?? null,
    eps,
    offset,
    wide: headNorm.over === 'heads',
    after: headNorm.order === 'after',
  };
  return { positions, rotation: rotationOf(layer), rows, heads, kvHeads, headDim, norm };
}

function headShape({ spec: { heads, kvHeads, headDim }, rows }: Pass): HeadShape {
  return { rows, heads, kvHeads, headDim };
}
