import { concatBytes } from '../base/lib/bytes.ts';
import { ggufLayout, type GgufEntry, type GgufKey } from '../content/formats/gguf/ggufWriter.ts';

/** A whole little GGUF model of one layer, its weights zero, with keys that replace or follow its own. */
export function tinyGguf(
  more: readonly GgufKey[] = [],
  without: string | null = null,
): Uint8Array<ArrayBuffer> {
  const u32 = (key: string, value: number): GgufKey => ({ key, type: 'u32', value });
  const text = (key: string, value: string): GgufKey => ({ key, type: 'string', value });
  const own: GgufKey[] = [
    text('general.architecture', 'llama'),
    u32('llama.block_count', 1),
    u32('llama.context_length', 64),
    u32('llama.embedding_length', 32),
    u32('llama.feed_forward_length', 64),
    u32('llama.attention.head_count', 2),
    { key: 'llama.attention.layer_norm_rms_epsilon', type: 'f32', value: 1e-5 },
    text('tokenizer.ggml.model', 'gpt2'),
    text('tokenizer.ggml.pre', 'qwen2'),
    { key: 'tokenizer.ggml.tokens', type: 'string', list: ['a', 'b', 'ab', '<|end|>'] },
    { key: 'tokenizer.ggml.token_type', type: 'i32', list: [1, 1, 1, 3] },
    { key: 'tokenizer.ggml.merges', type: 'string', list: ['a b'] },
    u32('tokenizer.ggml.eos_token_id', 3),
  ];
  const replaced = new Set(more.map(({ key }) => key));
  const keys = [...own.filter(({ key }) => !replaced.has(key) && key !== without), ...more];
  const matrix = (name: string, rows: number, cols: number): GgufEntry => ({
    name,
    type: 'Q8_0',
    shape: [rows, cols],
  });
  const vector = (name: string): GgufEntry => ({ name, type: 'F32', shape: [32] });
  const { header, tensors } = ggufLayout(keys, [
    matrix('token_embd.weight', 4, 32),
    vector('blk.0.attn_norm.weight'),
    matrix('blk.0.attn_q.weight', 32, 32),
    matrix('blk.0.attn_k.weight', 32, 32),
    matrix('blk.0.attn_v.weight', 32, 32),
    matrix('blk.0.attn_output.weight', 32, 32),
    vector('blk.0.ffn_norm.weight'),
    matrix('blk.0.ffn_gate.weight', 64, 32),
    matrix('blk.0.ffn_up.weight', 64, 32),
    matrix('blk.0.ffn_down.weight', 32, 64),
    vector('output_norm.weight'),
  ]);
  return concatBytes([header, ...tensors.map(({ byteLength }) => new Uint8Array(byteLength))]);
}
