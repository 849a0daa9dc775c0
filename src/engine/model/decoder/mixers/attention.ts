import { attention, attentionBackward } from '../../../kernels/attention.ts';
import { attentionCached } from '../../../kernels/attentionCached.ts';
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
import { scatterRows } from '../../../kernels/rows.ts';
import type { Tensor } from '../../../gpu/tensor.ts';
import { groupsOf } from '../../spec/fusedProjections.ts';
import type { AttentionMixer } from '../../spec/mixers.ts';
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
    const parts = headsOf(pass);
    const gated = this.#spec.outputGate;
    rope(commands, { raw: projected, parts, gated, ...ropeOf(pass, layer, weights) });
    const o = gated ? ungated(pass) : mixed;
    attend(pass, layer, parts, o, state);
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
  createState(owner: StateOwner, capacity: number): SequenceState {
    return { tensors: cache(owner, capacity), length: 0 };
  }

  createPool(owner: StateOwner, { keys }: PoolSize): LayerTensors {
    return cache(owner, keys);
  }

  #gate(pass: Pass, raw: Tensor) {
    const { rows, spec } = pass;
    const { heads, headDim } = spec;
    const stride = groupsOf(spec, this.#spec).mixerIn.width;
    return { rows, heads, headDim, o: ungated(pass), raw, stride };
  }
}

function cache({ gpu, spec, type }: StateOwner, rows: number): LayerTensors {
  const tensor = (name: string) => gpu.memory.tensor(type, [rows, spec.kvHeads, spec.headDim], name);
  return { k: tensor('cached keys'), v: tensor('cached values') };
}

/** Attention of the new tokens to themselves and, when decoding, to those before them, after which they are cached. */
function attend(pass: Pass, layer: number, parts: Heads, o: Tensor, state: LayerState | null): void {
  const { commands, rows, segmentStart, spec } = pass;
  const { kvHeads, headDim } = spec;
  const { q } = parts;
  const { k = parts.k, v = parts.v } = state?.tensors ?? {};
  if (state && 'rows' in state) {
    const { keyRows: index, spans } = state.rows;
    const dim = kvHeads * headDim;
    scatterRows(commands, { x: k, y: parts.k, index, rows, dim });
    scatterRows(commands, { x: v, y: parts.v, index, rows, dim });
    attentionCached(commands, { q, k, v, o, spans, ...scoresOf(pass, layer) });
    return;
  }
  const queryOffset = state?.length ?? 0;
  if (state) {
    commands.copyRows(parts.k, k, queryOffset * kvHeads * headDim);
    commands.copyRows(parts.v, v, queryOffset * kvHeads * headDim);
  }
  attention(commands, { q, k, v, o, lse: lseOf(pass), segmentStart, queryOffset, ...scoresOf(pass, layer) });
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
