/** What is the same in most GGUF architectures that Graft knows: modules outside of the blocks, and within one. */
const outer: Readonly<Record<string, string>> = {
  'model.embed_tokens': 'token_embd',
  'model.norm': 'output_norm',
  lm_head: 'output',
};

const llamaBlock: Readonly<Record<string, string>> = {
  input_layernorm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'self_attn.q_norm': 'attn_q_norm',
  'self_attn.k_norm': 'attn_k_norm',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

/** Gemma has norms before and after both halves of a block. */
const gemmaBlock: Readonly<Record<string, string>> = {
  ...llamaBlock,
  post_attention_layernorm: 'post_attention_norm',
  pre_feedforward_layernorm: 'ffn_norm',
  post_feedforward_layernorm: 'post_ffw_norm',
};

/** Phi-3 has one matrix for q, k and v, and one for gate and up, as checkpoints have them. */
const phiBlock: Readonly<Record<string, string>> = {
  input_layernorm: 'attn_norm',
  'self_attn.qkv_proj': 'attn_qkv',
  'self_attn.o_proj': 'attn_output',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

/** LFM2's norm before the head has another name, which is no norm of the embedding. */
const lfm2Outer: Readonly<Record<string, string>> = {
  'model.embed_tokens': 'token_embd',
  'model.embedding_norm': 'token_embd_norm',
  lm_head: 'output',
};

/** LFM2's blocks of attention and of short convolutions. */
const lfm2Block: Readonly<Record<string, string>> = {
  operator_norm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.out_proj': 'attn_output',
  'self_attn.q_layernorm': 'attn_q_norm',
  'self_attn.k_layernorm': 'attn_k_norm',
  'conv.conv': 'shortconv.conv',
  'conv.in_proj': 'shortconv.in_proj',
  'conv.out_proj': 'shortconv.out_proj',
  ffn_norm: 'ffn_norm',
  'feed_forward.w1': 'ffn_gate',
  'feed_forward.w3': 'ffn_up',
  'feed_forward.w2': 'ffn_down',
};

/** Qwen3 with experts in every layer: a router, and their matrices stacked. */
const expertsBlock: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(llamaBlock).filter(([path]) => !path.startsWith('mlp.'))),
  'mlp.gate': 'ffn_gate_inp',
};

/** A model's family as GGUF has it. */
export interface GgufArchitecture {
  /** `general.architecture`. */
  name: string;
  /** The `model_type`s that are written as it; files are read as the first. */
  modelTypes: readonly string[];
  /** `architectures` of config.json for the first of them. */
  className: string;
  /** Modules outside of the blocks, by their path in a checkpoint; absent: as in Llama. */
  outer?: Readonly<Record<string, string>>;
  /** Modules of a block, by their path in a checkpoint. */
  block: Readonly<Record<string, string>>;
  /** Whether rows of q and k stand in RoPE's other order: pairs (2i, 2i + 1) instead of halves. */
  permutesHeads: boolean;
  /** What is added to every norm's weight: Gemma stores w of 1 + w. */
  normOffset: 0 | 1;
  /** Layers without RoPE, and with a window, as llama.cpp has them in its code; absent: none. */
  layers?: { unturned?: (layer: number) => boolean; windowed?: (layer: number) => boolean };
  /** Keys of llama.cpp for numbers of config.json that only this architecture has; both ways. */
  numbers?: Readonly<Record<string, string>>;
  /** Types of rotary embeddings that llama.cpp computes for it; absent: `llama3` too, as factors in a tensor. */
  ropes?: readonly string[];
  /** Whether llama.cpp has no biases for it. */
  unbiased?: true;
  /** Whether layers without heads of k and v are gated short convolutions, and those of q are as wide as the model. */
  convolutions?: true;
  /** Whether every layer has experts, whose weights are normalized among those chosen. */
  experts?: true;
  /** What config.json calls the norms' epsilon; absent: `rms_norm_eps`. */
  normEps?: string;
}

/** Every architecture, one entry each, after llama.cpp's `conversion/` and gguf-py's `tensor_mapping.py`. */
export const ggufArchitectures: readonly GgufArchitecture[] = [
  {
    name: 'llama',
    modelTypes: ['llama', 'mistral'],
    className: 'LlamaForCausalLM',
    block: llamaBlock,
    permutesHeads: true,
    normOffset: 0,
  },
  {
    name: 'qwen2',
    modelTypes: ['qwen2'],
    className: 'Qwen2ForCausalLM',
    block: llamaBlock,
    permutesHeads: false,
    normOffset: 0,
  },
  {
    name: 'qwen3',
    modelTypes: ['qwen3'],
    className: 'Qwen3ForCausalLM',
    block: llamaBlock,
    permutesHeads: false,
    normOffset: 0,
  },
  {
    name: 'gemma3',
    modelTypes: ['gemma3_text'],
    className: 'Gemma3ForCausalLM',
    block: gemmaBlock,
    permutesHeads: false,
    normOffset: 1,
    layers: { windowed: (layer) => layer % 6 !== 5 },
    numbers: { sliding_window: 'attention.sliding_window', rope_local_base_freq: 'rope.freq_base_swa' },
  },
  {
    name: 'granite',
    modelTypes: ['granite'],
    className: 'GraniteForCausalLM',
    block: llamaBlock,
    permutesHeads: true,
    normOffset: 0,
    numbers: {
      attention_multiplier: 'attention.scale',
      embedding_multiplier: 'embedding_scale',
      residual_multiplier: 'residual_scale',
      logits_scaling: 'logit_scale',
    },
  },
  {
    name: 'phi3',
    modelTypes: ['phi3'],
    className: 'Phi3ForCausalLM',
    block: phiBlock,
    permutesHeads: false,
    normOffset: 0,
    // llama.cpp reads it and attends to everything all the same, so an export's context is no longer than it.
    numbers: { sliding_window: 'attention.sliding_window' },
  },
  {
    name: 'smollm3',
    modelTypes: ['smollm3'],
    className: 'SmolLM3ForCausalLM',
    block: llamaBlock,
    permutesHeads: true,
    normOffset: 0,
    layers: { unturned: (layer) => layer % 4 === 3 },
  },
  {
    name: 'lfm2',
    modelTypes: ['lfm2'],
    className: 'Lfm2ForCausalLM',
    outer: lfm2Outer,
    block: lfm2Block,
    permutesHeads: false,
    normOffset: 0,
    ropes: ['default', 'linear'],
    unbiased: true,
    convolutions: true,
    normEps: 'norm_eps',
  },
  {
    name: 'qwen3moe',
    modelTypes: ['qwen3_moe'],
    className: 'Qwen3MoeForCausalLM',
    block: expertsBlock,
    permutesHeads: false,
    normOffset: 0,
    ropes: ['default', 'linear'],
    unbiased: true,
    experts: true,
  },
];

/** The architecture of that name; null for one Graft does not know. */
export function ggufArchitecture(name: string): GgufArchitecture | null {
  return ggufArchitectures.find((entry) => entry.name === name) ?? null;
}

/** The architecture that a `model_type` is written as; null where there is none. */
export function ggufArchitectureOf(modelType: string): GgufArchitecture | null {
  return ggufArchitectures.find(({ modelTypes }) => modelTypes.includes(modelType)) ?? null;
}

/** The path of an expert's matrix in a block. */
const EXPERT = /^mlp\.experts\.(\d+)\.(gate|up|down)_proj$/;

/** The expert whose matrix a checkpoint's tensor is; null for any other. */
export function expertOf(name: string): number | null {
  const [, path = ''] = /^model\.layers\.\d+\.(.*)\.weight$/s.exec(name) ?? [];
  const found = EXPERT.exec(path);
  return found ? Number(found[1]) : null;
}

/** The names in a checkpoint of the parts of a stack of experts, by expert; null for any other tensor of a GGUF file. */
export function expertNames(
  architecture: GgufArchitecture,
  name: string,
): ((expert: number) => string) | null {
  const found = architecture.experts && /^blk\.(\d+)\.ffn_(gate|up|down)_exps\.weight$/.exec(name);
  if (!found) return null;
  return (expert) => `model.layers.${Number(found[1])}.mlp.experts.${expert}.${found[2]}_proj.weight`;
}

/**
 * The name of a checkpoint's tensor in a GGUF file, such as `blk.0.attn_q.weight`, which all experts' of a layer share;
 * null for one that has none.
 */
export function ggufTensorName(architecture: GgufArchitecture, name: string): string | null {
  const [, module = '', kind = ''] = /^(.*)\.(weight|bias)$/s.exec(name) ?? [];
  const [, layer, path = ''] = /^model\.layers\.(\d+)\.(.*)$/s.exec(module) ?? [];
  const expert = architecture.experts && EXPERT.exec(path);
  if (expert && kind === 'weight') return `blk.${layer}.ffn_${expert[2]}_exps.weight`;
  const found =
    layer === undefined ? own(architecture.outer ?? outer, module) : own(architecture.block, path);
  if (found === undefined || (architecture.unbiased && kind === 'bias')) return null;
  return layer === undefined ? `${found}.${kind}` : `blk.${layer}.${found}.${kind}`;
}

/** The name in a checkpoint of a tensor of a GGUF file; null for one that has none. */
export function checkpointTensorName(architecture: GgufArchitecture, name: string): string | null {
  const [, module = '', kind = ''] = /^(.*)\.(weight|bias)$/s.exec(name) ?? [];
  const [, layer, path = ''] = /^blk\.(\d+)\.(.*)$/s.exec(module) ?? [];
  const table = layer === undefined ? (architecture.outer ?? outer) : architecture.block;
  const wanted = layer === undefined ? module : path;
  const found = Object.keys(table).find((key) => table[key] === wanted);
  if (found === undefined || (architecture.unbiased && kind === 'bias')) return null;
  return layer === undefined ? `${found}.${kind}` : `model.layers.${Number(layer)}.${found}.${kind}`;
}

/** Whether a checkpoint's tensor is the weight of a norm, which GGUF stores in F32 and some architectures with an offset. */
export function isNorm(name: string): boolean {
  return name.endsWith('norm.weight');
}

/** Whether a checkpoint's tensor is the weight of a short convolution: [d, 1, taps] there, and [d, taps] in a GGUF file. */
export function isConvolution(name: string): boolean {
  return name.endsWith('.conv.conv.weight');
}

/** The heads of q or k, whose rows are in RoPE's other order; null for any other tensor. */
export function headsOf(name: string, sizes: { heads: number; kvHeads: number }): number | null {
  const [, which] = /\.self_attn\.([qk])_proj\.(?:weight|bias)$/.exec(name) ?? [];
  if (which === undefined) return null;
  return which === 'q' ? sizes.heads : sizes.kvHeads;
}

/**
 * The row of a head in a checkpoint that stands at `row` of it in a GGUF file: (0, h/2, 1, h/2 + 1, …) for a head of `h`
 * rows (llama.cpp's `LlamaModel.permute`).
 */
export function unpermutedRow(row: number, headRows: number): number {
  return (row % 2) * (headRows / 2) + (row >> 1);
}

/** Rows in the order of GGUF, head by head. */
export function permuted(
  values: Float32Array<ArrayBuffer>,
  headRows: number,
  cols: number,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(values.length);
  for (let row = 0; row * cols < values.length; row++) {
    const within = row % headRows;
    const from = row - within + unpermutedRow(within, headRows);
    out.set(values.subarray(from * cols, (from + 1) * cols), row * cols);
  }
  return out;
}

function own(table: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
