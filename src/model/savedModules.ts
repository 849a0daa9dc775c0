import type { Tensor } from '../gpu/tensor.ts';
import type { Commands } from '../gpu/commands.ts';
import { dequantize } from '../kernels/dequantize.ts';
import type { Weight } from '../kernels/weight.ts';
import { GraftError } from '../lib/errors.ts';
import type { Decoder } from './decoder.ts';
import type { LoraAdapter } from './loraAdapter.ts';
import { matrixAt, type ParameterBuffers, type ParameterLayout, type Place } from './parameters.ts';
import type { DecoderSpec } from './spec.ts';
import type { VocabularyRole } from './vocabulary.ts';

/** The matrices outside of blocks that can be trained in full: PEFT's `modules_to_save`. */
export type SavedRole = VocabularyRole;

/** A matrix that is trained in full beside the adapter. */
export interface SavedSpec {
  role: SavedRole;
  /** Full name, such as "model.embed_tokens" or "lm_head". */
  module: string;
  rows: number;
  cols: number;
}

/** What recipes and PEFT call a saved module. */
export function lastPart({ module }: SavedSpec): string {
  return module.slice(module.lastIndexOf('.') + 1);
}

/** The matrix that a pass takes in place of the model's own, or its gradient in `buffers`; null for the model's own. */
export function savedWeight(
  { adapter, strength }: { adapter: LoraAdapter | null; strength: number },
  role: SavedRole,
  buffers?: ParameterBuffers,
): Weight | null {
  const matrix = strength === 0 ? null : adapter?.savedMatrix(role);
  return matrix && adapter ? matrix.weight(buffers ?? adapter.params) : null;
}

/** The matrices that names such as "lm_head", "embed_tokens" or "wte" stand for. Throws `train.no_saved_module`. */
export function planSaved(
  { names, vocabSize: rows, hiddenSize: cols }: DecoderSpec,
  wanted: readonly string[],
): SavedSpec[] {
  const candidates: SavedSpec[] = (['embedding', 'head'] as const).map((role) => ({
    role,
    module: names[role],
    rows,
    cols,
  }));
  const matches = (spec: SavedSpec, name: string) => spec.module === name || lastPart(spec) === name;
  const unknown = wanted.find((name) => !candidates.some((spec) => matches(spec, name)));
  if (unknown !== undefined) {
    const known = candidates.map(lastPart).join(', ');
    throw new GraftError('train.no_saved_module', { module: unknown, known });
  }
  return candidates.filter((spec) => wanted.some((name) => matches(spec, name)));
}

/** A saved matrix in the trainable parameters: f32, split by rows where a buffer cannot hold it whole. */
export class SavedMatrix {
  readonly spec: SavedSpec;
  readonly #chunks: { rowStart: number; rows: number; place: Place }[] = [];

  constructor(spec: SavedSpec, layout: ParameterLayout) {
    this.spec = spec;
    const { rows, cols } = spec;
    const step = Math.max(1, Math.floor(layout.limit / cols));
    for (let rowStart = 0; rowStart < rows; rowStart += step) {
      const count = Math.min(step, rows - rowStart);
      this.#chunks.push({ rowStart, rows: count, place: layout.reserve(count * cols) });
    }
  }

  /** The matrix in these buffers (the parameters, or their gradients), as any other weight. */
  weight(buffers: ParameterBuffers): Weight {
    const { rows, cols } = this.spec;
    const chunks = this.#chunks.map((chunk) => ({
      rowStart: chunk.rowStart,
      rows: chunk.rows,
      cols,
      encoding: { format: 'f32' as const },
      data: matrixAt(buffers, chunk.place, [chunk.rows, cols]),
    }));
    return { rows, cols, chunks };
  }

  /** Begins with the values of the frozen matrix, in whatever encoding. */
  copyFrom(commands: Commands, frozen: Weight, params: ParameterBuffers): void {
    const own = this.weight(params);
    for (const target of own.chunks) {
      for (const chunk of frozen.chunks) {
        const first = Math.max(target.rowStart, chunk.rowStart);
        const rows = Math.min(target.rowStart + target.rows, chunk.rowStart + chunk.rows) - first;
        if (rows <= 0) continue;
        const out: Tensor = target.data;
        const outRow = first - target.rowStart;
        dequantize(commands, { chunk, row: first - chunk.rowStart, rows, out, outRow });
      }
    }
  }
}

/** Lets the matrices that an adapter trains in full begin with the model's own values. */
export async function copyModelValues(decoder: Decoder, adapter: LoraAdapter): Promise<void> {
  const { weights, commands } = decoder;
  for (const matrix of adapter.saved) {
    const frozen = await weights.vocabulary(matrix.spec.role);
    for (let i = 0; i < frozen.count; i++) {
      matrix.copyFrom(commands, await frozen.part(i), adapter.params);
      commands.submit();
      frozen.release(i);
    }
  }
}
