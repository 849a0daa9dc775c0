import { GraftError } from '../../../base/lib/errors.ts';
import type { ParameterLayout } from '../decoder/parameters.ts';
import type { DecoderSpec } from '../spec/spec.ts';
import { TrainedMatrix } from './trainedMatrix.ts';
import type { VocabularyRole } from '../weights/vocabulary.ts';

/** The matrices outside the blocks that can be trained in full: PEFT's `modules_to_save`. */
export type SavedRole = VocabularyRole;

/** A matrix trained in full alongside an adapter. */
export interface SavedSpec {
  role: SavedRole;
  /** Full name, such as "model.embed_tokens" or "lm_head". */
  module: string;
  rows: number;
  cols: number;
  /** The head's full name, if this embedding is also the head. */
  tiesHead?: string;
}

/** The name of a saved module in recipes and PEFT. */
export function lastPart({ module }: SavedSpec): string {
  return module.slice(module.lastIndexOf('.') + 1);
}

/** The matrices selected by names such as "lm_head", "embed_tokens" or "wte". Throws `train.no_saved_module`. */
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
