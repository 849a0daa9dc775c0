import type { RopeScaling } from '../kernels/ropeFrequencies.ts';

/** Rotary embedding: its base, and how the context was stretched. */
export interface RopeSpec {
  theta: number;
  scaling: RopeScaling;
}

/** All that tells one decoder from another. Every supported family is a value of this type. */
export interface DecoderSpec {
  family: string;
  hiddenSize: number;
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  /** Width of the feed-forward part. */
  ffnSize: number;
  vocabSize: number;
  maxPositions: number;
  normEps: number;
  rope: RopeSpec;
  /** Bias on q, k, v; on o; on gate, up, down. */
  qkvBias: boolean;
  outputBias: boolean;
  mlpBias: boolean;
  /** RMSNorm on each head of q and k before RoPE (Qwen3). */
  qkNorm: boolean;
  /** The output head is the embedding matrix. */
  tied: boolean;
  /** Sliding attention window of a layer in tokens; 0 is full causal attention. */
  windowOf(layer: number): number;
}

/** The linear modules of a block, in the order of the forward pass. */
export const linearNames = [
  'q_proj',
  'k_proj',
  'v_proj',
  'o_proj',
  'gate_proj',
  'up_proj',
  'down_proj',
] as const;
export type LinearName = (typeof linearNames)[number];

/** A linear module of a block: its place under `model.layers.N.`, its size and whether it has a bias. */
export interface LinearSpec {
  name: LinearName;
  path: string;
  inFeatures: number;
  outFeatures: number;
  bias: boolean;
}

/** The seven linear modules of a block. */
export function linearsOf(spec: DecoderSpec): LinearSpec[] {
  const { hiddenSize: d, ffnSize: f, qkvBias, outputBias, mlpBias } = spec;
  const q = spec.heads * spec.headDim;
  const kv = spec.kvHeads * spec.headDim;
  const linear = (
    name: LinearName,
    parent: string,
    inFeatures: number,
    outFeatures: number,
    bias: boolean,
  ) => ({
    name,
    path: `${parent}.${name}`,
    inFeatures,
    outFeatures,
    bias,
  });
  return [
    linear('q_proj', 'self_attn', d, q, qkvBias),
    linear('k_proj', 'self_attn', d, kv, qkvBias),
    linear('v_proj', 'self_attn', d, kv, qkvBias),
    linear('o_proj', 'self_attn', q, d, outputBias),
    linear('gate_proj', 'mlp', d, f, mlpBias),
    linear('up_proj', 'mlp', d, f, mlpBias),
    linear('down_proj', 'mlp', f, d, mlpBias),
  ];
}

/** Full name of a module of a block, as checkpoints and PEFT write it. */
export function modulePath(layer: number, path: string): string {
  return `model.layers.${layer}.${path}`;
}

/** Every tensor a checkpoint of this spec must hold, with its shape: one by one, for a config may claim 10^9 layers. */
export function* tensorsOf(spec: DecoderSpec): Generator<{ name: string; shape: number[] }> {
  const { hiddenSize: d, vocabSize } = spec;
  yield { name: 'model.embed_tokens.weight', shape: [vocabSize, d] };
  for (let layer = 0; layer < spec.layers; layer++) {
    const tensor = (path: string, shape: number[]) => ({ name: modulePath(layer, path), shape });
    yield tensor('input_layernorm.weight', [d]);
    for (const { path, inFeatures, outFeatures, bias } of linearsOf(spec)) {
      yield tensor(`${path}.weight`, [outFeatures, inFeatures]);
      if (bias) yield tensor(`${path}.bias`, [outFeatures]);
    }
    if (spec.qkNorm) {
      yield tensor('self_attn.q_norm.weight', [spec.headDim]);
      yield tensor('self_attn.k_norm.weight', [spec.headDim]);
    }
    yield tensor('post_attention_layernorm.weight', [d]);
  }
  yield { name: 'model.norm.weight', shape: [d] };
  if (!spec.tied) yield { name: 'lm_head.weight', shape: [vocabSize, d] };
}
