import type { Folder } from '../storage/types.ts';

/** Weights in any format, their indexes, and adapters: what a merged model must not carry along. */
const WEIGHTS =
  /\.(safetensors|bin|pt|pth|ckpt|h5|msgpack|onnx|onnx_data|gguf|ggml|tflite|npz)$|\.index\.json$|^adapter_|^graft-merge\.unfinished$/i;

/** What AutoGPTQ and AutoAWQ say of weights they quantized. */
const QUANTIZATION = /^(quantize_config|quant_config)\.json$/;

/**
 * The files that go with a model besides its weights: config, tokenizer, templates, licence.
 * @param quantized whether the base's own quantization is undone
 */
export async function sidecarFiles(folder: Folder, quantized = false): Promise<string[]> {
  const names = (await folder.list()).filter((name) => !WEIGHTS.test(name) && !name.startsWith('.'));
  return quantized ? names.filter((name) => !QUANTIZATION.test(name)) : names;
}
