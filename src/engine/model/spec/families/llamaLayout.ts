import type { MixerKind } from '../mixers.ts';
import type { DecoderSpec, LinearSpec, ModuleNames, Projection } from '../spec.ts';

/** Which linear layers have a bias: q, k, v; o; gate, up, down; those of another mixer. */
export interface Biases {
  qkv: boolean;
  output: boolean;
  mlp: boolean;
  mixer?: boolean;
}

/** No biases. */
export const noBias: Biases = { qkv: false, output: false, mlp: false };

/** The module names of Llama's checkpoints and all families that follow it. */
export const llamaNames: ModuleNames = {
  embedding: 'model.embed_tokens',
  finalNorm: 'model.norm',
  head: 'lm_head',
  blocks: 'model.layers',
  norms: {
    beforeAttention: 'input_layernorm',
    afterAttention: null,
    beforeMlp: 'post_attention_layernorm',
    afterMlp: null,
  },
  headNorms: { q: 'self_attn.q_norm', k: 'self_attn.k_norm' },
};

/** Names of families whose norms come after attention and MLP only (OLMo 2, EXAONE 4). */
export const postNormNames: ModuleNames = {
  ...llamaNames,
  norms: {
    beforeAttention: null,
    afterAttention: 'post_attention_layernorm',
    beforeMlp: null,
    afterMlp: 'post_feedforward_layernorm',
  },
};

/** The sizes that determine the linear layers of a block. */
export type BlockSizes = Pick<DecoderSpec, 'hiddenSize' | 'ffnSize' | 'heads' | 'kvHeads' | 'headDim'>;

/** The seven linear layers of Llama's block. */
export function llamaLinears(sizes: BlockSizes, biases: Biases): LinearSpec[] {
  const { hiddenSize: d, ffnSize: f } = sizes;
  return [
    ...attentionLinears(sizes, biases),
    linear('mlp.gate_proj', d, biases.mlp, { gate: f }),
    linear('mlp.up_proj', d, biases.mlp, { up: f }),
    linear('mlp.down_proj', f, biases.mlp, { down: d }),
  ];
}

/** The four of its attention. */
export function attentionLinears(sizes: BlockSizes, biases: Biases, output = 'o_proj'): LinearSpec[] {
  const { hiddenSize: d, heads, kvHeads, headDim } = sizes;
  const [q, kv] = [heads * headDim, kvHeads * headDim];
  return [
    linear('self_attn.q_proj', d, biases.qkv, { q }),
    linear('self_attn.k_proj', d, biases.qkv, { k: kv }),
    linear('self_attn.v_proj', d, biases.qkv, { v: kv }),
    linear(`self_attn.${output}`, q, biases.output, { o: d }),
  ];
}

/**
 * A linear layer that computes one or several projections of these widths, in column order.
 * @param mixer the mixer whose blocks have it, by default attention for what attention computes and else all
 */
export function linear(
  path: string,
  inFeatures: number,
  bias: boolean,
  widths: Partial<Record<Projection, number>>,
  mixer: MixerKind | null = 'q' in widths || 'k' in widths || 'v' in widths || 'o' in widths
    ? 'attention'
    : null,
): LinearSpec {
  const outputs = Object.entries(widths).map(([projection, width]) => {
    return { projection: projection as Projection, width };
  });
  const outFeatures = outputs.reduce((sum, { width }) => sum + width, 0);
  return { name: path.slice(path.lastIndexOf('.') + 1), path, inFeatures, outFeatures, bias, mixer, outputs };
}
