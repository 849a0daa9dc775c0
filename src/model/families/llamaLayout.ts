import type { DecoderSpec, LinearSpec, ModuleNames, Projection } from '../spec.ts';

/** Which linear layers have a bias: q, k, v; o; gate, up, down. */
export interface Biases {
  qkv: boolean;
  output: boolean;
  mlp: boolean;
}

/** No bias anywhere. */
export const noBias: Biases = { qkv: false, output: false, mlp: false };

/** The names that Llama's checkpoints and all that follow it use. */
export const llamaNames: ModuleNames = {
  embedding: 'model.embed_tokens',
  finalNorm: 'model.norm',
  head: 'lm_head',
  blocks: 'model.layers',
  inputNorm: 'input_layernorm',
  postNorm: 'post_attention_layernorm',
};

/** Sizes that the linear layers of a block follow from. */
export type BlockSizes = Pick<DecoderSpec, 'hiddenSize' | 'ffnSize' | 'heads' | 'kvHeads' | 'headDim'>;

/** The seven linear layers of Llama's block. */
export function llamaLinears(sizes: BlockSizes, biases: Biases): LinearSpec[] {
  const { hiddenSize: d, ffnSize: f, heads, kvHeads, headDim } = sizes;
  const [q, kv] = [heads * headDim, kvHeads * headDim];
  return [
    linear('self_attn.q_proj', d, q, biases.qkv, 'q'),
    linear('self_attn.k_proj', d, kv, biases.qkv, 'k'),
    linear('self_attn.v_proj', d, kv, biases.qkv, 'v'),
    linear('self_attn.o_proj', q, d, biases.output, 'o'),
    linear('mlp.gate_proj', d, f, biases.mlp, 'gate'),
    linear('mlp.up_proj', d, f, biases.mlp, 'up'),
    linear('mlp.down_proj', f, d, biases.mlp, 'down'),
  ];
}

/** A linear layer that makes one or several projections of equal width. */
export function linear(
  path: string,
  inFeatures: number,
  outFeatures: number,
  bias: boolean,
  ...projections: Projection[]
): LinearSpec {
  const width = outFeatures / projections.length;
  const outputs = projections.map((projection) => ({ projection, width }));
  return { name: path.slice(path.lastIndexOf('.') + 1), path, inFeatures, outFeatures, bias, outputs };
}
