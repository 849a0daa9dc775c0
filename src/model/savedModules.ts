import { GraftError } from '../lib/errors.ts';
import type { Decoder } from './decoder.ts';
import type { LoraAdapter } from './loraAdapter.ts';
import type { ParameterLayout } from './parameters.ts';
import type { DecoderSpec } from './spec.ts';
import { copyVocabulary, TrainedMatrix } from './trainedMatrix.ts';
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
  /** Of an embedding that is the head as well: the head's full name. */
  tiesHead?: string;
}

/** What recipes and PEFT call a saved module. */
export function lastPart({ module }: SavedSpec): string {
  return module.slice(module.lastIndexOf('.') + 1);
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

/** A saved matrix in the trainable parameters. */
export class SavedMatrix extends TrainedMatrix {
  readonly spec: SavedSpec;

  constructor(spec: SavedSpec, layout: ParameterLayout) {
    super(spec, layout);
    this.spec = spec;
  }
}

/** Lets the matrices that an adapter trains in full begin with the model's own values. */
export async function copyModelValues(decoder: Decoder, adapter: LoraAdapter): Promise<void> {
  for (const matrix of adapter.saved) {
    await copyVocabulary(decoder, matrix.spec.role, matrix, adapter.params);
  }
}
