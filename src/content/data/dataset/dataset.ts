import { GraftError } from '../../../base/lib/errors.ts';
import type { Finding } from '../checks/finding.ts';
import { Linter } from '../checks/lint.ts';
import type { ParsedDataset } from '../files/parse.ts';
import type { Problem } from '../files/problems.ts';
import type { Row } from '../files/row.ts';
import type { Reading } from '../../../base/config/reading.ts';
import type { Recipe } from '../../../base/config/recipe.ts';
import type { ColumnMapping } from '../rows/columns.ts';
import { dataFacts, type DataFacts } from '../rows/dataFacts.ts';
import type { DataFormat, RowFormat } from '../rows/formats.ts';
import { Sheet } from '../rows/sheet.ts';
import { notEmpty } from '../tokens/tokenize.ts';
import type { TokenizedDataset } from '../tokens/tokenizedDataset.ts';
import { splitSheet, type DatasetSplit } from './datasetSplit.ts';
import { tokensOf, type RowsRequest, type RowTokenizer } from './rowTokenizer.ts';
import { TokenCache } from './tokenCache.ts';

/** How rows become tokens. */
export interface DatasetOptions {
  reading: Reading;
  /** Rows are cut to this many tokens. */
  maxLength: number;
  /** Rows of the model's embedding: no id may reach it. */
  vocabSize: number;
}

/** How rows are split, as `splitRows` takes it. */
export interface SplitOptions {
  evalFraction: Recipe['eval_fraction'];
  seed: number;
}

/** A finding with the rows themselves. */
export interface RowFinding extends Omit<Finding, 'rows'> {
  rows: Row[];
}

/** Rows as tokens, and which of them are trained on. */
export interface DatasetTokens extends DatasetSplit {
  /** The tokens of the validation file, which are all for evaluation; null without one: then `evaluation` has them. */
  validation: TokenizedDataset | null;
  /** Indices of tokenized rows, here and in the split, are those of `all`. */
  all: TokenizedDataset;
}

/**
 * One data file on its way to training: its rows with what was changed in them, how they are read, their tokens, and what
 * may be wrong with them. A row goes by three things only: itself, its position in the sheet, and, once tokenized, the
 * indices of the tokenized rows it became.
 */
export class Dataset {
  readonly parsed: ParsedDataset;
  /** The shape of the rows; null where columns have to be chosen. */
  readonly detected: DataFormat | null;
  readonly sheet: Sheet;
  /** The data of a validation file: the loss is measured on its rows, and none of these are held out. */
  validation: Dataset | null = null;
  readonly #cache = new TokenCache();
  #mapping: ColumnMapping | null = null;
  #linter = new Linter();
  #findings: RowFinding[] = [];
  #tokenized: { rows: readonly Row[]; all: TokenizedDataset; options: DatasetOptions } | null = null;
  #split: DatasetSplit | null = null;

  constructor(parsed: ParsedDataset, detected: DataFormat | null) {
    this.parsed = parsed;
    this.detected = detected;
    this.sheet = new Sheet(parsed);
  }

  /** The columns the rows are read by; null for their own shape. */
  get mapping(): ColumnMapping | null {
    return this.#mapping;
  }

  /** Reads the rows by these columns from now on; null by their own shape again. */
  map(mapping: ColumnMapping | null): void {
    this.#mapping = mapping;
    this.#linter = new Linter();
    this.forgetTokens();
  }

  /** How the rows are read; null where columns have to be chosen first. */
  get format(): RowFormat | null {
    return this.#mapping ?? this.detected;
  }

  /** What was last tokenized, even where no row of it can be trained on; null where tokenizing failed. */
  get tokenized(): TokenizedDataset | null {
    return this.#tokenized?.all ?? null;
  }

  /** How it was tokenized. */
  get options(): DatasetOptions | null {
    return this.#tokenized?.options ?? null;
  }

  /** The tokens to train on; null before they were made. */
  get tokens(): DatasetTokens | null {
    if (!this.#tokenized || !this.#split) return null;
    return { all: this.#tokenized.all, ...this.#split, validation: this.validation?.tokenized ?? null };
  }

  /** Forgets the tokens: they are another tokenizer's. */
  forgetTokens(): void {
    this.#tokenized = null;
    this.#split = null;
    this.#cache.clear();
    this.validation?.forgetTokens();
  }

  /**
   * Tokenizes the rows that were not tokenized in this way before, and splits all of them.
   * Throws `data.all_excluded`, `data.columns_not_chosen`, `data.bad_split`, and as `tokenizeDataset` does.
   */
  async tokenize(
    tokenizer: RowTokenizer,
    { evalFraction, seed, ...options }: DatasetOptions & SplitOptions,
    onProgress: (done: number, total: number) => void = () => undefined,
  ): Promise<DatasetTokens> {
    this.#tokenized = null;
    this.#split = null;
    const { name: file } = this.parsed;
    const rows = this.sheet.includedRows();
    if (rows.length === 0) throw new GraftError('data.all_excluded', { file });
    const all = await this.#cache.update(tokenizer, this.#request(rows, options), onProgress);
    this.#tokenized = { rows, all, options };
    notEmpty(all, file);
    const split = splitSheet(this.sheet, this.#cache, this.validation ? 0 : evalFraction, seed);
    if (split.train.length === 0) throw new GraftError('data.all_excluded', { file });
    const validation = await this.#tokenizeValidation(tokenizer, options);
    this.#split = split;
    return { all, ...split, validation };
  }

  /** The rows of the validation file, read as these are: by the same columns where the user chose them. */
  async #tokenizeValidation(
    tokenizer: RowTokenizer,
    options: DatasetOptions,
  ): Promise<TokenizedDataset | null> {
    const { validation } = this;
    if (!validation) return null;
    if (validation.mapping !== this.#mapping) validation.map(this.#mapping);
    return (await validation.tokenize(tokenizer, { ...options, evalFraction: 0, seed: 0 })).all;
  }

  /** Tokens of one row, which are not added to the others. Throws why it can't be trained on. */
  async tokenizeRow(tokenizer: RowTokenizer, row: Row, options: DatasetOptions): Promise<TokenizedDataset> {
    const one = await tokensOf(tokenizer, this.requestFor(row, options));
    const problem = one.problems[0];
    if (problem) throw new GraftError(problem.code, problem.params);
    return one;
  }

  /** One row and how it becomes tokens. Throws `data.columns_not_chosen`. */
  requestFor(row: Row, options: DatasetOptions): RowsRequest {
    return { ...this.#request([row], options), now: this.#cache.now };
  }

  /** Which tokenized rows a row became; none where it can't be trained on. */
  tokenizedRows(row: Row): readonly number[] {
    return this.#cache.tokenizedRows(row);
  }

  /** Why a row can't be trained on; null where it can, or is not among the first problems. */
  problemOf(row: Row): Problem | null {
    return this.#cache.problemOf(row);
  }

  /** The row that a problem of the tokens is about. */
  rowOf(problem: Problem): Row | null {
    return this.#cache.rowOf(problem);
  }

  /** What may be wrong with rows that can be trained on, the worst first; without tokens, what their text shows. */
  async lint(tokenizer: RowTokenizer): Promise<RowFinding[]> {
    if (this.format === null) return [];
    const { rows, all, options } = this.#tokenized ?? {
      rows: this.sheet.includedRows(),
      all: null,
      options: null,
    };
    const findings = this.#linter.lint({
      rows,
      format: this.format,
      tokens: all,
      maxLength: options?.maxLength ?? Infinity,
      ends: all && tokenizer.hasTokenizer ? await tokenizer.endTokens() : null,
      evaluation: this.#split?.evaluation ?? [],
      validation: this.validation?.format
        ? { rows: this.validation.sheet.includedRows(), format: this.validation.format }
        : null,
    });
    this.#findings = findings.map((finding) => ({ ...finding, rows: finding.rows.map((at) => rows[at]!) }));
    return this.#findings;
  }

  /** What {@link lint} found last. */
  get findings(): readonly RowFinding[] {
    return this.#findings;
  }

  /** What the file says beside its conversations. @param chatTemplate source of the model's, which may read further fields */
  facts(chatTemplate: string | null): DataFacts {
    const { format } = this;
    if (format === null) return { preference: null, unused: [] };
    const facts = dataFacts(this.parsed.rows, format, chatTemplate);
    // Rewards may read any column.
    return this.options?.reading.objective === 'grpo' ? { ...facts, unused: [] } : facts;
  }

  #request(rows: Row[], { reading, maxLength, vocabSize }: DatasetOptions): Omit<RowsRequest, 'now'> {
    const { name } = this.parsed;
    const { format } = this;
    if (format === null) throw new GraftError('data.columns_not_chosen', { file: name });
    return { ...reading, format, maxLength, vocabSize, name, rows };
  }
}
