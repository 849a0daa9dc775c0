import { dataFacts } from '../data/dataFacts.ts';
import { detectFormat } from '../data/formats.ts';
import { Linter } from '../data/lint.ts';
import { parseDataset } from '../data/parse.ts';
import type { Reading } from '../data/reading.ts';
import { tokenizeDataset, type TokenizedDataset } from '../data/tokenize.ts';
import type { Tokenizer } from '../data/tokenizer.ts';
import { lintEnds } from '../data/turnEnd.ts';
import { downloadDataFile } from '../hub/dataset.ts';
import { parseDatasetFile } from '../hub/repoReference.ts';
import { resolveRepo } from '../hub/resolveRepo.ts';
import { nodeSource } from '../storage/nodeFolder.ts';
import type { ByteSource } from '../storage/types.ts';
import { downloadReporter } from './downloadReporter.ts';
import { findingLine } from './findingLine.ts';
import { hubOf, isOnHub, openCache, type HubAccess } from './hubAccess.ts';

/** Problems told one by one; the rest is a number. */
const SHOWN_PROBLEMS = 10;

/** How a data file's rows become tokens of a model. */
export interface DatasetOptions {
  tokenizer: Tokenizer | null;
  reading: Reading;
  /** Rows are cut to this many tokens. */
  maxLength: number;
  vocabSize: number;
  /** Where the rows stand in a JSON object; found where it is not given. */
  rowsField?: string | undefined;
}

/**
 * Reads and tokenizes a data file: of the file system, or `hf:datasets/org/name[@revision]/path`, which is downloaded
 * to the cache. Rows left out are reported on stderr by line, and so is what was cut, what may be wrong with rows and
 * which fields are not used; a file without a usable row is an error. Throws `data.*`, `storage.*`, `hub.*`.
 */
export async function readDataset(
  path: string,
  access: HubAccess,
  { reading, rowsField, ...options }: DatasetOptions,
): Promise<TokenizedDataset> {
  const parsed = await parseDataset(
    await dataSource(path, access),
    undefined,
    rowsField === undefined ? {} : { rowsField },
  );
  const format = detectFormat(parsed.rows, parsed.name);
  const dataset = tokenizeDataset(parsed, { ...options, ...reading, format });
  if (parsed.rowsField !== undefined) console.error(`The rows are those of "${parsed.rowsField}".`);
  for (const note of notesOn(parsed, dataset, options.maxLength)) console.error(note);
  const { tokenizer, maxLength } = options;
  const ends = tokenizer && lintEnds(tokenizer);
  const input = { rows: parsed.rows, format, tokens: dataset, maxLength, ends, evaluation: [] };
  for (const finding of new Linter().lint(input)) console.error(findingLine(finding, parsed.rows));
  const { unused } = dataFacts(parsed.rows, format, tokenizer?.chatTemplate ?? null);
  if (unused.length > 0) console.error(`Not used: ${unused.join(', ')}.`);
  return dataset;
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
    onWait: () => console.error(`Another process is downloading of ${dataset.repo}; waiting for it.`),
  });
  report.end();
  return source;
}

function notesOn(
  parsed: Awaited<ReturnType<typeof parseDataset>>,
  dataset: TokenizedDataset,
  maxLength: number,
): string[] {
  const problems = [...parsed.problems, ...dataset.problems].sort((a, b) => a.line - b.line);
  const count = parsed.problemCount + dataset.problemCount;
  const notes = problems.slice(0, SHOWN_PROBLEMS).map(({ message }) => message);
  if (count > notes.length) notes.push(`… and ${count - notes.length} more problems.`);
  if (count > 0) notes.push(`Rows used: ${dataset.lines.length}. Problems: ${count}.`);
  if (dataset.truncated > 0) {
    notes.push(
      `Rows cut to ${maxLength} tokens: ${dataset.truncated} (${dataset.truncatedTokens} tokens lost).`,
    );
  }
  return notes;
}
