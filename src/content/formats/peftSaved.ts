import { GraftError } from '../../base/lib/errors.ts';
import { decodeFloats, encodeFloats, floatSize } from '../../base/lib/floats.ts';
import type { PeftConfig } from './peftConfig.ts';
import type { SafetensorsFile } from './safetensors.ts';
import { clip, shapeText } from './safetensorsHeader.ts';

/** Rows are written in pieces of about this many elements. */
const PIECE = 4 * 1024 * 1024;

/** A matrix [rows, cols] that was trained in full beside an adapter: large, so it is read some rows at a time. */
export interface PeftSaved {
  rows: number;
  cols: number;
  /** `count` rows from `row` on. */
  read(row: number, count: number): Promise<Float32Array<ArrayBuffer>>;
}

/** The module of a tensor that a config's `modules_to_save` names; undefined for another tensor. */
export function savedModuleOf(tensor: string, { modules_to_save: names }: PeftConfig): string | undefined {
  const module = /^base_model\.model\.(.+)\.weight$/s.exec(tensor)?.[1];
  const isSaved = module !== undefined && (names ?? []).some((name) => `.${module}`.endsWith(`.${name}`));
  return isSaved ? module : undefined;
}

/** PEFT's `EMBEDDING_LAYER_NAMES`, and what the first Qwen calls its embedding. */
const EMBEDDINGS = ['embed_tokens', 'lm_head', 'wte'];

/**
 * The module whose base weight a tensor is: an embedding or head that PEFT stores beside an adapter
 * (`save_embedding_layers`), under a layer with LoRA (`base_layer`) or by itself. Undefined for another tensor.
 */
export function baseModuleOf(tensor: string): string | undefined {
  const found = /^base_model\.model\.(.+?)(?:\.(?:base_layer|original_module))?\.weight$/s.exec(tensor)?.[1];
  const name = found?.slice(found.lastIndexOf('.') + 1);
  return name !== undefined && EMBEDDINGS.includes(name) ? found : undefined;
}

/** Throws `formats.adapter_saved` for a name in `modules_to_save` without a matrix in the file. */
export function checkSaved(
  { modules_to_save: names }: PeftConfig,
  saved: ReadonlyMap<string, PeftSaved>,
  file: string,
): void {
  const missing = names?.find(
    (name) => ![...saved.keys()].some((module) => `.${module}`.endsWith(`.${name}`)),
  );
  if (missing !== undefined) throw new GraftError('formats.adapter_saved', { file, module: clip(missing) });
}

/** The key of a fully trained module in an adapter's file. */
export function savedKey(module: string): string {
  return `base_model.model.${module}.weight`;
}

/** A fully trained matrix in a file. Throws `formats.adapter_shape`, `formats.dtype_not_float`. */
export function openSaved(file: SafetensorsFile, tensor: string): PeftSaved {
  const { dtype, shape } = file.get(tensor);
  const elementBytes = floatSize(dtype, clip(tensor));
  const [rows, cols] = shape;
  if (shape.length === 1) {
    throw new GraftError('formats.adapter_saved_vector', { file: file.source.name, tensor: clip(tensor) });
  }
  if (shape.length !== 2 || !rows || !cols) {
    const params = { file: file.source.name, tensor: clip(tensor), shape: shapeText(shape) };
    throw new GraftError('formats.adapter_shape', { ...params, expected: '[rows, columns]' });
  }
  const width = elementBytes * cols;
  return {
    rows,
    cols,
    read: async (row, count) =>
      decodeFloats(await file.readRange(tensor, row * width, count * width), dtype, tensor),
  };
}

/** The bytes of a fully trained matrix, rounded once to `dtype`, a piece of rows after the other. */
export async function* savedBytes(
  { rows, cols, read }: PeftSaved,
  dtype: string,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const step = Math.max(1, Math.floor(PIECE / cols));
  for (let row = 0; row < rows; row += step) {
    yield encodeFloats(await read(row, Math.min(step, rows - row)), dtype);
  }
}
