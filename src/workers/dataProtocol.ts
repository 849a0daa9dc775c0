/** What the page and the data worker say to each other. Everything here survives structured cloning. */
import type { Recipe } from '../config/recipe.ts';
import type { TokenRows } from '../data/tokenRows.ts';
import type { DataShapes } from '../train/largestBatch.ts';
import type { ModelSource, Progress, Prompt, Result } from './protocol.ts';

/** Where a data file is: on the person's disk, or one of a data set that was downloaded. */
export type DataSource =
  | { kind: 'file'; file: File }
  | { kind: 'cached'; name: string; host: string; repo: string; commit: string; path: string };

export interface RowProblem {
  line: number;
  message: string;
}

export interface DatasetSummary {
  name: string;
  format: string;
  rows: number;
  problems: RowProblem[];
  problemCount: number;
}

export interface TokenizeOptions {
  mask: Recipe['mask'];
  maxLength: number;
  evalFraction: number;
  seed: number;
}

export interface TokenizedSummary {
  rows: number;
  evalRows: number;
  tokens: number;
  trainedTokens: number;
  truncatedRows: number;
  truncatedTokens: number;
  longest: number;
  /** Rows by token length. */
  histogram: { from: number; to: number; rows: number }[];
  problems: RowProblem[];
  problemCount: number;
}

export interface PreviewPiece {
  text: string;
  trained: boolean;
}

/** Everything about text: parsing, templates, tokens, masks. */
export interface DataApi {
  /** Takes a port to the hub worker, for sources of kind `hub`. */
  connectHub(port: MessagePort): Promise<Result<null>>;
  /** Reads the tokenizer and chat template of a model; null for a folder without a tokenizer. */
  openTokenizer(
    source: ModelSource,
    vocabSize: number,
  ): Promise<Result<{ fallbackTemplate: boolean } | null>>;
  openDataset(source: DataSource, onProgress: (p: Progress) => void): Promise<Result<DatasetSummary>>;
  tokenize(options: TokenizeOptions, onProgress: (p: Progress) => void): Promise<Result<TokenizedSummary>>;
  /** Row `index` of the tokenized training rows, as the model sees it. */
  preview(index: number): Promise<Result<{ line: number; tokens: number; pieces: PreviewPiece[] }>>;
  /**
   * Token ids of a prompt for the engine, which runs no template and no tokenizer itself: either may hang.
   * Throws `infer.no_tokenizer`, `data.template_*`, `data.pattern_hangs`.
   */
  promptIds(prompt: Prompt): Promise<Result<number[]>>;
  /** Tokens and targets of the tokenized rows, for plans of memory. */
  rowShapes(): Promise<Result<DataShapes>>;
  /** The tokenized rows, for the engine. */
  rows(): Promise<Result<{ train: TokenRows; evaluation: TokenRows | null }>>;
}
