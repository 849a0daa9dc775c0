import type { Recipe } from '../base/config/recipe.ts';
import { assert } from '../base/lib/errors.ts';
import type { ByteSource } from '../base/storage/types.ts';
import { inspectData, type Inspection } from '../content/data/dataset/inspect.ts';
import type { Encoding } from '../content/data/files/encoding.ts';
import { defaultReading, readingOf, type Reading } from '../base/config/reading.ts';
import type { RowTokenizer } from '../content/data/dataset/rowTokenizer.ts';
import { splitDataset } from '../content/data/tokens/split.ts';
import { readableSource } from '../content/intake/unpack/readable.ts';
import type { DecoderSpec } from '../engine/model/spec/spec.ts';
import type { RowsInMemory } from './trainJob.ts';

/** What of a model decides how data is read, beside its tokenizer. */
export interface DataModel {
  spec: Pick<DecoderSpec, 'vocabSize' | 'maxPositions'>;
}

export interface ReadDataOptions {
  /** What rows mean and which tokens have a loss; by default the assistant's answers. */
  reading?: Reading;
  /** Rows are cut to so many tokens; by default to what the model can take. */
  maxLength?: number;
  /** The list of rows in a JSON object; found by itself where not given. */
  rowsField?: string | undefined;
  /** A file whose rows the loss is measured on, instead of rows held out. */
  validation?: ByteSource | undefined;
  /** The character encoding; detected where not given. */
  encoding?: Encoding | undefined;
}

/**
 * Reads a data file, also a compressed one, as a model sees it. A file without a usable row is an error of the inspection.
 * Throws `storage.*`.
 * @param tokenizer the model's, in a thread that may hang: it runs the model's programs
 */
export async function readData(
  source: ByteSource,
  tokenizer: RowTokenizer,
  { spec }: DataModel,
  { reading = defaultReading, maxLength = Infinity, rowsField, encoding, validation }: ReadDataOptions = {},
): Promise<Inspection> {
  return inspectData(() => readableSource(source), {
    tokenizer,
    reading,
    maxLength: Math.min(maxLength, spec.maxPositions),
    vocabSize: spec.vocabSize,
    rowsField,
    encoding,
    validation: validation && (() => readableSource(validation)),
  });
}

/** The rows to train on and to evaluate on: those of the validation file, or as many held out as the recipe says. */
export function splitOf(
  { tokens, validation }: Pick<Inspection, 'tokens' | 'validation'>,
  { eval_fraction, seed }: Pick<Recipe, 'eval_fraction' | 'seed'>,
): RowsInMemory {
  assert(tokens, 'a data file without an error has tokens');
  if (validation) return { train: tokens, evaluation: validation.tokens };
  return splitDataset(tokens, eval_fraction, seed);
}

/**
 * The rows of a data file, masked, cut and split as a recipe says; what was left out and what may be wrong is in the
 * inspection. Throws `data.*` where no row can be used.
 */
export async function readRows(
  source: ByteSource,
  tokenizer: RowTokenizer,
  files: DataModel,
  recipe: Recipe,
  rowsField?: string,
  validation?: ByteSource,
): Promise<{ rows: RowsInMemory; inspection: Inspection }> {
  const options = { reading: readingOf(recipe), maxLength: recipe.max_length, rowsField, validation };
  const inspection = await readData(source, tokenizer, files, options);
  if (inspection.error) throw inspection.error;
  return { rows: splitOf(inspection, recipe), inspection };
}
