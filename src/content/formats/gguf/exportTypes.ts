import { ggmlType } from './ggmlTypes.ts';
import type { WrittenType } from './quantize.ts';

/** The types a model can be exported in, as the command line and the page call them. */
export const ggufExportTypes = ['f32', 'f16', 'bf16', 'q8_0', 'q6_k', 'q5_k_m', 'q4_k_m', 'q4_0'] as const;

export type GgufExportType = (typeof ggufExportTypes)[number];

/** llama.cpp's `llama_ftype` of a type (`general.file_type`), and the type of most of its tensors. */
const kinds: Readonly<Record<GgufExportType, { fileType: number; main: WrittenType }>> = {
  f32: { fileType: 0, main: 'F32' },
  f16: { fileType: 1, main: 'F16' },
  q4_0: { fileType: 2, main: 'Q4_0' },
  q8_0: { fileType: 7, main: 'Q8_0' },
  q4_k_m: { fileType: 15, main: 'Q4_K' },
  q5_k_m: { fileType: 17, main: 'Q5_K' },
  q6_k: { fileType: 18, main: 'Q6_K' },
  bf16: { fileType: 32, main: 'BF16' },
};

/** `general.file_type` of an export. */
export function fileTypeOf(type: GgufExportType): number {
  return kinds[type].fileType;
}

/** Where a row is no whole number of blocks (llama.cpp's `tensor_type_fallback`). */
const fallbacks: Readonly<Partial<Record<WrittenType, WrittenType>>> = {
  Q4_K: 'Q5_0',
  Q5_K: 'Q5_1',
  Q6_K: 'Q8_0',
};

/** What decides a tensor's type besides its name. */
export interface TypedTensor {
  /** Its name in the file. */
  name: string;
  shape: readonly number[];
}

/** The model a tensor belongs to. */
export interface TypedModel {
  layers: number;
  /** Experts of a layer; 0 for none. */
  experts: number;
  /** The layers with an `attn_v.weight`, in order. */
  valueLayers: readonly number[];
  /** Whether the file has an `output.weight`; else the embedding is it as well. */
  hasOutput: boolean;
}

/**
 * The type a tensor is written in, by llama.cpp's rules (`llama-quant.cpp`, `llama_tensor_get_type`, without an importance
 * matrix), and whether that is a fallback for its width.
 */
export function writtenTypeOf(
  { name, shape }: TypedTensor,
  type: GgufExportType,
  model: TypedModel,
): { type: WrittenType; isFallback: boolean } {
  const { main } = kinds[type];
  // Vectors, norms, routers and the few values of short convolutions are never rounded.
  const isMatrix =
    shape.length > 1 &&
    name.endsWith('.weight') &&
    !/(?:_norm|\.shortconv\.conv|\.ffn_gate_inp)\.weight$/.test(name);
  if (!isMatrix) return { type: 'F32', isFallback: false };
  const wanted = ggmlType(main).block === 1 ? main : quantizedType(name, shape.at(-1)!, type, model);
  return fitting(wanted, shape.at(-1)!);
}

function quantizedType(name: string, cols: number, type: GgufExportType, model: TypedModel): WrittenType {
  const { main } = kinds[type];
  const isHead = name === 'output.weight' || (!model.hasOutput && name === 'token_embd.weight');
  if (isHead) return cols % ggmlType(main).block !== 0 || main === 'Q8_0' ? 'Q8_0' : 'Q6_K';
  const [, layer, module] = /^blk\.(\d+)\.(\w+)\.weight$/.exec(name) ?? [];
  // Mixtral's size: attention is a small part of it.
  if (model.experts === 8) {
    if (module === 'attn_k' || module === 'attn_v') return 'Q8_0';
    if (module === 'attn_output' && type === 'q4_k_m') return 'Q5_K';
  }
  if (type !== 'q4_k_m' && type !== 'q5_k_m') return main;
  if (module === 'attn_qkv') return type === 'q4_k_m' ? 'Q5_K' : 'Q6_K';
  const { layers, valueLayers } = model;
  const isPrecise =
    (module === 'attn_v' && getsMoreBits(valueLayers.indexOf(Number(layer)), valueLayers.length)) ||
    ((module === 'ffn_down' || module === 'ffn_down_exps') && getsMoreBits(Number(layer), layers));
  return isPrecise ? 'Q6_K' : main;
}

/** llama.cpp's `use_more_bits`: the first and last eighth of the layers with such a tensor, and every third between. */
function getsMoreBits(layer: number, layers: number): boolean {
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2;
}

function fitting(type: WrittenType, cols: number): { type: WrittenType; isFallback: boolean } {
  const fits = (one: WrittenType) => cols % ggmlType(one).block === 0;
  if (fits(type)) return { type, isFallback: false };
  const next = fallbacks[type];
  return { type: next !== undefined && fits(next) ? next : 'F16', isFallback: true };
}
