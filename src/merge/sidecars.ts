import type { Folder } from '../storage/types.ts';

/** Weights in any format, their indexes, and adapters: what a merged model must not carry along. */
const WEIGHTS =
  /\.(safetensors|bin|pt|pth|ckpt|h5|msgpack|onnx|onnx_data|gguf|ggml|tflite|npz)$|\.index\.json$|^adapter_/i;

/** The files that go with a model besides its weights: config, tokenizer, templates, licence. */
export async function sidecarFiles(folder: Folder): Promise<string[]> {
  return (await folder.list()).filter((name) => !WEIGHTS.test(name) && !name.startsWith('.'));
}
