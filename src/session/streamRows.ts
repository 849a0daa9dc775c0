import { readingOf } from '../base/config/reading.ts';
import type { Recipe } from '../base/config/recipe.ts';
import type { ByteSource, Directory } from '../base/storage/types.ts';
import { Dataset, type RowFinding } from '../content/data/dataset/dataset.ts';
import type { RowTokenizer } from '../content/data/dataset/rowTokenizer.ts';
import type { ParsedDataset, ParseOptions } from '../content/data/files/parse.ts';
import { detectFormat } from '../content/data/rows/formats.ts';
import { tokenizerKey } from '../content/data/streamed/fileKey.ts';
import { splitStreamed } from '../content/data/streamed/heldOut.ts';
import {
  tokenizeLarge,
  type StreamedTotals,
  type TokenizeOptions,
} from '../content/data/streamed/streamedFile.ts';
import { readTokenizerFiles } from '../content/data/tokenizer/tokenizerFiles.ts';
import type { ModelFiles } from '../engine/model/spec/openModel.ts';
import type { DataModel } from './readData.ts';
import type { SplitRows } from './trainJob.ts';

/** A large file: of all its rows what was counted, of the first ones what may be wrong with them. */
export interface LargeData {
  totals: StreamedTotals;
  findings: readonly RowFinding[];
  /** Fields of the first rows that are not used. */
  unused: string[];
}

/**
 * The rows of a large file, tokenized to `root` as a recipe reads them, and those held out. The checks are of the sample.
 * Throws as `tokenizeLarge` and `splitStreamed` do, and where no row of the sample can be used.
 */
export async function streamRows(
  source: ByteSource,
  sample: ParsedDataset,
  { tokenizer, root }: { tokenizer: RowTokenizer; root: Directory },
  files: DataModel & Pick<ModelFiles, 'folder'>,
  recipe: Recipe,
  { held = false, ...options }: TokenizeOptions & ParseOptions & { held?: boolean },
): Promise<{ rows: SplitRows; large: LargeData }> {
  const format = detectFormat(sample.rows, sample.name);
  const { vocabSize, maxPositions } = files.spec;
  const how = { reading: readingOf(recipe), maxLength: Math.min(recipe.max_length, maxPositions), vocabSize };
  const tokenizerId = await tokenizerKey(await readTokenizerFiles(files.folder));
  const first = new Dataset(sample, format);
  // Mistakes that are in all rows show before the others are read.
  await first.tokenize(tokenizer, { ...how, evalFraction: 0, seed: 0 });
  const findings = await first.lint(tokenizer);
  const { unused } = first.facts(tokenizer.chatTemplate);
  const { reading, ...limits } = how;
  const request = { ...reading, ...limits, format, name: source.name };
  const { rows, totals } = await tokenizeLarge(source, root, { tokenizer, tokenizerId }, request, options);
  const split = await splitStreamed(rows, held ? 0 : recipe.eval_fraction, recipe.seed);
  return { rows: split, large: { totals, findings, unused } };
}
