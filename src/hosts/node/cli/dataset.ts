import { availableParallelism } from 'node:os';
import type { Recipe } from '../../../base/config/recipe.ts';
import { assert, GraftError } from '../../../base/lib/errors.ts';
import { nodeSource } from '../../../base/storage/nodeFolder.ts';
import type { ByteSource, Folder } from '../../../base/storage/types.ts';
import type { Encoding } from '../../../content/data/files/encoding.ts';
import type { ParsedDataset } from '../../../content/data/files/parse.ts';
import { readingOf } from '../../../base/config/reading.ts';
import type { Inspection } from '../../../content/data/dataset/inspect.ts';
import { endTokensOf, type EndToken } from '../../../content/data/labels/turnEnd.ts';
import { loadVocabulary } from '../../../content/data/tokenizer/tokenizer.ts';
import type { TokenizedDataset } from '../../../content/data/tokens/tokenizedDataset.ts';
import { downloadDataFile } from '../../../content/hub/dataset.ts';
import { parseDatasetFile } from '../../../content/hub/repoReference.ts';
import { resolveRepo } from '../../../content/hub/resolveRepo.ts';
import { readData, splitOf, type DataModel, type ReadDataOptions } from '../../../session/readData.ts';
import type { RowsInMemory, SplitRows } from '../../../session/trainJob.ts';
import { streamRows } from '../../../session/streamRows.ts';
import { largeFile } from '../../../content/data/streamed/streamedFile.ts';
import { tokenizersFor } from '../../../content/data/streamed/tokenizeFile.ts';
import { readableSource } from '../../../content/intake/unpack/readable.ts';
import { nodeRowShards } from '../host.ts';
import { downloadReporter } from './downloadReporter.ts';
import { streamReporter } from './streamReporter.ts';
import { findingLine } from './findingLine.ts';
import { withText } from '../withText.ts';
import { hubOf, isOnHub, openCache, type HubAccess } from './hubAccess.ts';
import { log } from './terminal.ts';

/** A model to read data for: its folder has the tokenizer. */
type ModelOfData = DataModel & { folder: Folder };

/** How the rows of a recipe are read, beside what it says itself. */
interface ReadRowsOptions {
  rowsField?: string | undefined;
  encoding?: Encoding | undefined;
  /** The file of the evaluation rows. */
  validation?: string | undefined;
}

/** Problems reported one by one; the rest is a number. */
const SHOWN_PROBLEMS = 10;

/**
 * Reads and tokenizes a data file: of the file system, or `hf:datasets/org/name[@revision]/path`, which is downloaded
 * to the cache. Rows left out are reported on stderr by line, and so is what was cut, what may be wrong with rows and
 * which fields are not used; a file without a usable row is an error. Throws `data.*`, `storage.*`, `hub.*`.
 */
export async function readDataset(
  path: string,
  access: HubAccess,
  files: ModelOfData,
  options: ReadDataOptions,
): Promise<TokenizedDataset> {
  const { tokens } = await readReported(path, access, files, options);
  assert(tokens, 'a data file without an error has tokens');
  return tokens;
}

async function readReported(
  path: string,
  access: HubAccess,
  files: ModelOfData,
  options: ReadDataOptions,
): Promise<Inspection> {
  const source = await dataSource(path, access);
  const inspection = await withText(files.folder, (text) => readData(source, text, files, options));
  const { error, parsed, tokens, findings, facts, validation } = inspection;
  if (error) throw error;
  assert(parsed && tokens && facts, 'a data file without an error has tokens');
  if ((parsed.encoding ?? 'utf-8') !== 'utf-8') log(`Read as ${parsed.encoding}.`);
  if (parsed.rowsField !== undefined) log(`Reading rows from "${parsed.rowsField}".`);
  const maxLength = Math.min(options.maxLength ?? Infinity, files.spec.maxPositions);
  for (const note of notesOn(parsed, { ...tokens, used: tokens.lines.length }, maxLength)) log(note);
  if (validation) {
    const used = validation.tokens.lines.length;
    for (const note of notesOn(validation.parsed, { ...validation.tokens, used }, maxLength))
      log(`${validation.parsed.name}: ${note}`);
  }
  for (const finding of findings) log(findingLine(finding));
  if (facts.unused.length > 0) log(`Not used: ${facts.unused.join(', ')}.`);
  return inspection;
}

/**
 * The rows of a data file as a recipe reads them, and those to evaluate on: of `validation` where that is given, else held
 * out as the recipe says.
 */
export async function readRecipeRows(
  path: string,
  access: HubAccess,
  files: ModelOfData,
  recipe: Recipe,
  { validation, ...how }: ReadRowsOptions = {},
): Promise<RowsInMemory> {
  const inspection = await readReported(path, access, files, {
    reading: readingOf(recipe),
    maxLength: recipe.max_length,
    ...how,
    validation: validation === undefined ? undefined : await dataSource(validation, access),
  });
  return splitOf(inspection, recipe);
}

/**
 * The rows to train on and to evaluate on, as {@link readRecipeRows} reads them; those of a large file are tokenized to a
 * folder of the cache, where an earlier call that was ended is gone on with, and are read from there as they are due.
 * @param streamFrom the size from which a file is large
 */
export async function readTrainRows(
  path: string,
  access: HubAccess,
  files: ModelOfData,
  recipe: Recipe,
  { streamFrom, ...how }: ReadRowsOptions & { streamFrom: number },
): Promise<SplitRows> {
  const source = await readableSource(await dataSource(path, access));
  const { rowsField, encoding } = how;
  const reading = {
    ...(rowsField !== undefined && { rowsField }),
    ...(encoding !== undefined && { encoding }),
  };
  const sample = await largeFile(source, reading, streamFrom);
  if (!sample) return readRecipeRows(path, access, files, recipe, how);
  const validation =
    how.validation === undefined
      ? null
      : await readDataset(how.validation, access, files, {
          reading: readingOf(recipe),
          maxLength: recipe.max_length,
        });
  log(`${source.name} is large: its rows are read, tokenized and kept on disk in parts.`);
  const report = streamReporter();
  const { rows, large } = await withText(files.folder, (text) =>
    streamRows(source, sample, { tokenizer: text, root: nodeRowShards() }, files, recipe, {
      ...reading,
      held: validation !== null,
      onProgress: report.progress,
      workers: tokenizersFor(availableParallelism()),
    }),
  );
  report.end();
  const { totals, findings, unused } = large;
  const maxLength = Math.min(recipe.max_length, files.spec.maxPositions);
  for (const note of notesOn(totals.file, { ...totals, used: totals.rows }, maxLength)) log(note);
  log(`Checked: the first ${sample.rows.length} rows of ${totals.parsedRows}.`);
  for (const finding of findings) log(findingLine(finding));
  if (unused.length > 0) log(`Not used: ${unused.join(', ')}.`);
  return { ...rows, evaluation: validation ?? rows.evaluation };
}

/** The tokens that answers of a model end with. A tokenizer that cannot be read is reported and ends nothing. */
export async function endsOf(folder: Folder): Promise<EndToken[]> {
  try {
    const vocabulary = await loadVocabulary(folder);
    if (!vocabulary) return [];
    // Only a template has to be run for them.
    if (vocabulary.chatTemplate === null) return endTokensOf(vocabulary, vocabulary.eosIds.slice(0, 1));
    return await withText(folder, (text) => text.trainedEnds());
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    log(`generation_config.json is left unchanged because the end tokens are unknown: ${error.message}`);
    return [];
  }
}

/** The bytes of a data file, downloaded where it is one of a Hub. */
export async function dataSource(path: string, access: HubAccess): Promise<ByteSource> {
  return isOnHub(path) ? hubFile(path, access) : nodeSource(path);
}

async function hubFile(name: string, access: HubAccess): Promise<ByteSource> {
  const { reference, path } = parseDatasetFile(name);
  const hub = hubOf(access);
  const dataset = await resolveRepo(hub, reference);
  const report = downloadReporter(dataset);
  const source = await downloadDataFile(hub, dataset, path, openCache(), {
    onProgress: report.progress,
    onWait: () => log(`Another process is downloading from ${dataset.repo}; waiting for it.`),
  });
  report.end();
  return source;
}

function notesOn(
  parsed: Pick<ParsedDataset, 'problems' | 'problemCount'>,
  dataset: Pick<TokenizedDataset, 'problems' | 'problemCount' | 'truncated' | 'truncatedTokens'> & {
    used: number;
  },
  maxLength: number,
): string[] {
  const problems = [...parsed.problems, ...dataset.problems].sort((a, b) => a.line - b.line);
  const count = parsed.problemCount + dataset.problemCount;
  const notes = problems.slice(0, SHOWN_PROBLEMS).map(({ message }) => message);
  if (count > notes.length) notes.push(`… and ${count - notes.length} more problems.`);
  if (count > 0) notes.push(`Rows used: ${dataset.used}. Problems: ${count}.`);
  if (dataset.truncated > 0) {
    notes.push(
      `Rows truncated to ${maxLength} tokens: ${dataset.truncated} (${dataset.truncatedTokens} tokens dropped).`,
    );
  }
  return notes;
}
