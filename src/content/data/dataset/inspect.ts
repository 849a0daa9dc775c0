import { GraftError } from '../../../base/lib/errors.ts';
import type { ByteSource } from '../../../base/storage/types.ts';
import type { Encoding } from '../files/encoding.ts';
import { parseDataset, type ParsedDataset } from '../files/parse.ts';
import type { DataFacts } from '../rows/dataFacts.ts';
import { detectFormat, type DataFormat } from '../rows/formats.ts';
import type { TokenizedDataset } from '../tokens/tokenizedDataset.ts';
import { Dataset, type DatasetOptions, type RowFinding } from './dataset.ts';
import type { RowTokenizer } from './rowTokenizer.ts';

export interface InspectOptions extends DatasetOptions {
  tokenizer: RowTokenizer;
  /** Path of the list of rows in a JSON object; detected by default. */
  rowsField?: string | undefined;
  /** The character encoding of a text file; detected by default. */
  encoding?: Encoding | undefined;
  /** Opens a file whose rows the loss is measured on; its errors are those of the file. */
  validation?: (() => Promise<ByteSource>) | undefined;
}

/** A data file as training uses it, as far as it can be read, and the error if no row is usable. */
export interface Inspection {
  parsed: ParsedDataset | null;
  format: DataFormat | null;
  /** Null if no row could be tokenized. */
  tokens: TokenizedDataset | null;
  findings: readonly RowFinding[];
  facts: DataFacts | null;
  /** The validation file and its tokens; null without one. */
  validation: { parsed: ParsedDataset; tokens: TokenizedDataset } | null;
  /** Null if at least one row is usable. */
  error: GraftError | null;
}

/**
 * Reads a data file as training would, tokenizes it and lints it. If no row is usable, the result has an `error` and as
 * much else as there is.
 * @param open gives the file's bytes; its errors are those of the file
 */
export async function inspectData(
  open: () => Promise<ByteSource>,
  options: InspectOptions,
): Promise<Inspection> {
  const { rowsField, encoding, tokenizer, validation, ...how } = options;
  const found: Inspection = {
    parsed: null,
    format: null,
    tokens: null,
    findings: [],
    facts: null,
    validation: null,
    error: null,
  };
  let dataset: Dataset | null = null;
  try {
    found.parsed = await parseDataset(await open(), undefined, {
      ...(rowsField !== undefined && { rowsField }),
      ...(encoding !== undefined && { encoding }),
    });
    found.format = detectFormat(found.parsed.rows, found.parsed.name);
    dataset = new Dataset(found.parsed, found.format);
    if (validation) {
      const parsed = await parseDataset(await validation());
      dataset.validation = new Dataset(parsed, detectFormat(parsed.rows, parsed.name));
    }
    // Training splits the rows itself.
    const made = await dataset.tokenize(tokenizer, { ...how, evalFraction: 0, seed: 0 });
    if (made.validation && dataset.validation)
      found.validation = { parsed: dataset.validation.parsed, tokens: made.validation };
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    found.error = error;
  }
  if (dataset?.tokenized) {
    found.tokens = dataset.tokenized;
    found.facts = dataset.facts(tokenizer.chatTemplate);
    found.findings = await dataset.lint(tokenizer);
  }
  return found;
}
