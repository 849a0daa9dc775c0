/** Tokens that a convolution reaches over, at most: kernels have a term for each. */
export const MAX_TAPS = 16;

/** Causal attention; its sizes are those of the decoder. */
export interface AttentionMixer {
  kind: 'attention';
  /** q_proj computes a gate behind each query, by whose sigmoid the head's output is multiplied (Qwen3.5). */
  outputGate: boolean;
}

/** Gated short convolution (LFM2): y = C · conv(B · x), depthwise and causal, where one product gives B, C and x. */
export interface ShortConvolutionMixer {
  kind: 'shortConvolution';
  /** Path of the convolution within the block. */
  path: string;
  /** Tokens that it reaches over, the current one included. */
  taps: number;
  bias: boolean;
}

/**
 * Gated DeltaNet (Qwen3.5): q, k and v through a short convolution with SiLU, the gated delta rule, and RMSNorm gated by z.
 * Consecutive value heads share a key head.
 */
export interface DeltaRuleMixer {
  kind: 'deltaRule';
  /** Path of the module within the block. */
  path: string;
  /** Tokens that its convolution reaches over, the current one included. */
  taps: number;
  keyHeads: number;
  valueHeads: number;
  keyDim: number;
  valueDim: number;
}

/** What mixes the tokens of a block, before its MLP. */
export type MixerSpec = AttentionMixer | ShortConvolutionMixer | DeltaRuleMixer;
export type MixerKind = MixerSpec['kind'];

/** The mixer of Llama. */
export const attention: AttentionMixer = { kind: 'attention', outputGate: false };

/** A tensor that a mixer has besides its linear layers. */
export type MixerRole = 'qNorm' | 'kNorm' | 'taps' | 'tapsBias' | 'decay' | 'stepBias' | 'outputNorm';

/** Such a tensor of a block: its path within the block, its shape, and whether weight decay applies to it. */
export interface MixerTensor {
  role: MixerRole;
  path: string;
  shape: readonly number[];
  decays: boolean;
}

/** RMSNorm of q and k. */
export interface HeadNormSpec {
  /** Over each head, or over all heads of a token at once. */
  over: 'head' | 'heads';
  /** Before or after the rotation. */
  order: 'before' | 'after';
}

/** What the tensors of mixers depend on of a decoder. */
interface MixerSizes {
  hiddenSize: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  headNorm: HeadNormSpec | null;
  normWeights: boolean;
  names: { headNorms: { q: string; k: string } };
}

/** The tensors of a mixer besides its linear layers: the one place that says their names and shapes. */
export function mixerTensors(sizes: MixerSizes, mixer: MixerSpec): readonly MixerTensor[] {
  switch (mixer.kind) {
    case 'attention':
      return headNorms(sizes);
    case 'shortConvolution':
      return convolutionTensors(sizes, mixer);
    case 'deltaRule':
      return deltaRuleTensors(mixer);
  }
}

/** Columns of q, k and v of a gated delta rule, which its convolution takes. */
export function deltaRuleColumns({ keyHeads, valueHeads, keyDim, valueDim }: DeltaRuleMixer): number {
  return 2 * keyHeads * keyDim + valueHeads * valueDim;
}

function deltaRuleTensors(mixer: DeltaRuleMixer): MixerTensor[] {
  const { path, taps, valueHeads, valueDim } = mixer;
  const tensor = (role: MixerRole, name: string, shape: number[], decays: boolean): MixerTensor => {
    return { role, path: `${path}.${name}`, shape, decays };
  };
  return [
    tensor('taps', 'conv1d.weight', [deltaRuleColumns(mixer), 1, taps], true),
    tensor('decay', 'A_log', [valueHeads], true),
    tensor('stepBias', 'dt_bias', [valueHeads], false),
    tensor('outputNorm', 'norm.weight', [valueDim], false),
  ];
}

function headNorms({ names, headDim, heads, kvHeads, headNorm, normWeights }: MixerSizes): MixerTensor[] {
  if (!headNorm || !normWeights) return [];
  const norm = (role: MixerRole, path: string, count: number): MixerTensor => {
    const length = headNorm.over === 'heads' ? count * headDim : headDim;
    return { role, path: `${path}.weight`, shape: [length], decays: false };
  };
  return [norm('qNorm', names.headNorms.q, heads), norm('kNorm', names.headNorms.k, kvHeads)];
}

function convolutionTensors(
  { hiddenSize }: MixerSizes,
  { path, taps, bias }: ShortConvolutionMixer,
): MixerTensor[] {
  const weight = {
    role: 'taps',
    path: `${path}.weight`,
    shape: [hiddenSize, 1, taps],
    decays: true,
  } as const;
  const own = { role: 'tapsBias', path: `${path}.bias`, shape: [hiddenSize], decays: false } as const;
  return bias ? [weight, own] : [weight];
}
