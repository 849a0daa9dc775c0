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
import type { SplitRows } from '../../../session/trainJob.ts';
import { downloadReporter } from './downloadReporter.ts';
import { findingLine } from './findingLine.ts';
import { withText } from '../withText.ts';
import { hubOf, isOnHub, openCache, type HubAccess } from './hubAccess.ts';
import { log } from './terminal.ts';

/** A model to read data for: its folder has the tokenizer. */
type ModelOfData = DataModel & { folder: Folder };

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
  for (const note of notesOn(parsed, tokens, maxLength)) log(note);
  if (validation) {
    for (const note of notesOn(validation.parsed, validation.tokens, maxLength))
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
  {
    validation,
    ...how
  }: {
    rowsField?: string | undefined;
    encoding?: Encoding | undefined;
    validation?: string | undefined;
  } = {},
): Promise<SplitRows> {
  const inspection = await readReported(path, access, files, {
    reading: readingOf(recipe),
    maxLength: recipe.max_length,
    ...how,
    validation: validation === undefined ? undefined : await dataSource(validation, access),
  });
  return splitOf(inspection, recipe);
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

function notesOn(parsed: ParsedDataset, dataset: TokenizedDataset, maxLength: number): string[] {
  const problems = [...parsed.problems, ...dataset.problems].sort((a, b) => a.line - b.line);
  const count = parsed.problemCount + dataset.problemCount;
  const notes = problems.slice(0, SHOWN_PROBLEMS).map(({ message }) => message);
  if (count > notes.length) notes.push(`… and ${count - notes.length} more problems.`);
  if (count > 0) notes.push(`Rows used: ${dataset.lines.length}. Problems: ${count}.`);
  if (dataset.truncated > 0) {
    notes.push(
      `Rows truncated to ${maxLength} tokens: ${dataset.truncated} (${dataset.truncatedTokens} tokens dropped).`,
    );
  }
  return notes;
}
