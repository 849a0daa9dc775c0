import { concatBytes } from '../base/lib/bytes.ts';
import { ggufLayout, type GgufEntry, type GgufKey } from '../content/formats/gguf/ggufWriter.ts';

const u32 = (key: string, value: number): GgufKey => ({ key, type: 'u32', value });
const text = (key: string, value: string): GgufKey => ({ key, type: 'string', value });

/** A tokenizer of four tokens. @param pre the name of its pre-tokenizer */
const tokenizerKeys = (pre: string): GgufKey[] => [
  text('tokenizer.ggml.model', 'gpt2'),
  text('tokenizer.ggml.pre', pre),
  { key: 'tokenizer.ggml.tokens', type: 'string', list: ['a', 'b', 'ab', '<|end|>'] },
  { key: 'tokenizer.ggml.merges', type: 'string', list: ['a b'] },
  u32('tokenizer.ggml.eos_token_id', 3),
];

/** Keys of which some are replaced, and others follow. */
function replaced(own: readonly GgufKey[], more: readonly GgufKey[]): GgufKey[] {
  const given = new Set(more.map(({ key }) => key));
  return [...own.filter(({ key }) => !given.has(key)), ...more];
}

/** A whole little GGUF model of one layer, its weights zero, with keys that replace or follow its own. */
export function tinyGguf(
  more: readonly GgufKey[] = [],
  without: string | null = null,
): Uint8Array<ArrayBuffer> {
  const own: GgufKey[] = [
    text('general.architecture', 'llama'),
    u32('llama.block_count', 1),
    u32('llama.context_length', 64),
    u32('llama.embedding_length', 32),
    u32('llama.feed_forward_length', 64),
    u32('llama.attention.head_count', 2),
    { key: 'llama.attention.layer_norm_rms_epsilon', type: 'f32', value: 1e-5 },
    ...tokenizerKeys('qwen2'),
    { key: 'tokenizer.ggml.token_type', type: 'i32', list: [1, 1, 1, 3] },
  ];
  const keys = replaced(own, more).filter(({ key }) => key !== without);
  const matrix = (name: string, rows: number, cols: number): GgufEntry => ({
    name,
    type: 'Q8_0',
    shape: [rows, cols],
  });
  const vector = (name: string): GgufEntry => ({ name, type: 'F32', shape: [32] });
  return zeros(keys, [
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
}

/** The same of LFM2: a layer of a short convolution, then one of attention, with other counts of heads of k and v. */
export function tinyLfm2Gguf(
  more: readonly GgufKey[] = [],
  { extra = [], taps = [32, 3] }: { extra?: readonly GgufEntry[]; taps?: readonly number[] } = {},
): Uint8Array<ArrayBuffer> {
  const own: GgufKey[] = [
    text('general.architecture', 'lfm2'),
    u32('lfm2.block_count', 2),
    u32('lfm2.context_length', 64),
    u32('lfm2.embedding_length', 32),
    u32('lfm2.feed_forward_length', 64),
    u32('lfm2.attention.head_count', 2),
    { key: 'lfm2.attention.head_count_kv', type: 'i32', list: [0, 1] },
    { key: 'lfm2.attention.layer_norm_rms_epsilon', type: 'f32', value: 1e-5 },
    u32('lfm2.shortconv.l_cache', 3),
    ...tokenizerKeys('lfm2'),
  ];
  const f32 = (name: string, ...shape: number[]): GgufEntry => ({ name, type: 'F32', shape });
  const block = (layer: number, mixer: readonly GgufEntry[]): GgufEntry[] => [
    f32(`blk.${layer}.attn_norm.weight`, 32),
    ...mixer,
    f32(`blk.${layer}.ffn_norm.weight`, 32),
    f32(`blk.${layer}.ffn_gate.weight`, 64, 32),
    f32(`blk.${layer}.ffn_up.weight`, 64, 32),
    f32(`blk.${layer}.ffn_down.weight`, 32, 64),
  ];
  return zeros(replaced(own, more), [
    f32('token_embd.weight', 4, 32),
    ...block(0, [
      f32('blk.0.shortconv.conv.weight', ...taps),
      f32('blk.0.shortconv.in_proj.weight', 96, 32),
      f32('blk.0.shortconv.out_proj.weight', 32, 32),
    ]),
    ...block(1, [
      f32('blk.1.attn_q.weight', 32, 32),
      f32('blk.1.attn_k.weight', 16, 32),
      f32('blk.1.attn_v.weight', 16, 32),
      f32('blk.1.attn_output.weight', 32, 32),
      f32('blk.1.attn_q_norm.weight', 16),
      f32('blk.1.attn_k_norm.weight', 16),
    ]),
    f32('token_embd_norm.weight', 32),
    ...extra,
  ]);
}

/** The same of Qwen3 with three experts of 64. */
export function tinyMoeGguf(more: readonly GgufKey[] = [], stack = [3, 64, 32]): Uint8Array<ArrayBuffer> {
  const own: GgufKey[] = [
    text('general.architecture', 'qwen3moe'),
    u32('qwen3moe.block_count', 1),
    u32('qwen3moe.context_length', 64),
    u32('qwen3moe.embedding_length', 32),
    u32('qwen3moe.feed_forward_length', 96),
    u32('qwen3moe.attention.head_count', 2),
    { key: 'qwen3moe.attention.layer_norm_rms_epsilon', type: 'f32', value: 1e-5 },
    u32('qwen3moe.expert_count', 3),
    u32('qwen3moe.expert_used_count', 2),
    u32('qwen3moe.expert_feed_forward_length', 64),
    ...tokenizerKeys('qwen2'),
  ];
  const tensor = (name: string, type: GgufEntry['type'], ...shape: number[]): GgufEntry => ({
    name,
    type,
    shape,
  });
  return zeros(replaced(own, more), [
    tensor('token_embd.weight', 'F32', 4, 32),
    tensor('blk.0.attn_norm.weight', 'F32', 32),
    ...['attn_q', 'attn_k', 'attn_v', 'attn_output'].map((name) =>
      tensor(`blk.0.${name}.weight`, 'F32', 32, 32),
    ),
    tensor('blk.0.attn_q_norm.weight', 'F32', 16),
    tensor('blk.0.attn_k_norm.weight', 'F32', 16),
    tensor('blk.0.ffn_norm.weight', 'F32', 32),
    tensor('blk.0.ffn_gate_inp.weight', 'F32', 3, 32),
    tensor('blk.0.ffn_gate_exps.weight', 'Q8_0', ...stack),
    tensor('blk.0.ffn_up_exps.weight', 'Q8_0', 3, 64, 32),
    tensor('blk.0.ffn_down_exps.weight', 'Q8_0', 3, 32, 64),
    tensor('output_norm.weight', 'F32', 32),
  ]);
}

function zeros(keys: readonly GgufKey[], entries: readonly GgufEntry[]): Uint8Array<ArrayBuffer> {
  const { header, tensors } = ggufLayout(keys, entries);
  return concatBytes([header, ...tensors.map(({ byteLength }) => new Uint8Array(byteLength))]);
}
