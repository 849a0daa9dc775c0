/** What the page and the data worker say to each other. Everything here survives structured cloning. */
import type { PartKind } from '../data/answerParts.ts';
import type { Column, ColumnMapping } from '../data/columns.ts';
import type { Role } from '../data/conversation.ts';
import type { DataFacts } from '../data/dataFacts.ts';
import type { DataFormat } from '../data/formats.ts';
import type { Finding, FindingCode } from '../data/lint.ts';
import type { ParsedDataset } from '../data/parse.ts';
import type { Reading } from '../data/reading.ts';
import type { ChangeCounts } from '../data/sheet.ts';
import type { TokenRows } from '../data/tokenRows.ts';
import type { ErrorCode, ErrorParams } from '../lib/errors.ts';
import type { DataShapes } from '../train/largestBatch.ts';
import type { EndToken, ModelSource, Progress, Prompt, PromptTokens, Result } from './protocol.ts';

/** Where a data file is: on the person's disk, or one of a data set that was downloaded. */
export type DataSource =
  | { kind: 'file'; file: File }
  | { kind: 'cached'; name: string; host: string; repo: string; commit: string; path: string };

export type { Column, ColumnMapping } from '../data/columns.ts';
export type { FindingCode } from '../data/lint.ts';
export type { ChangeCounts } from '../data/sheet.ts';

/** A row that can't be used, and why. */
export interface RowProblem {
  line: number;
  code: ErrorCode;
  params: ErrorParams;
  /** Where it is among the rows, for those that can be looked at and edited. */
  position: number | null;
}

/** How a data file was read, where its name and content leave a choice. */
type FileFacts = Pick<ParsedDataset, 'kindFrom' | 'encoding' | 'rowsField' | 'otherRowsFields'>;

export interface DatasetSummary extends DataFacts, FileFacts {
  name: string;
  kind: ParsedDataset['kind'];
  /** `columns` where a person chose them; null where they are to be chosen. */
  format: DataFormat | 'columns' | null;
  /** Rows that were read. */
  rows: number;
  /** Those, and those that can't be read but may be repaired: positions go from 0 to one less. */
  positions: number;
  /** Columns that may be chosen. */
  columns: Column[];
  mapping: ColumnMapping | null;
  /** What the columns likely are. */
  guess: ColumnMapping | null;
  problems: RowProblem[];
  problemCount: number;
}

/** One thing that may be wrong with rows, and the first of them. */
export interface FindingSummary extends Pick<Finding, 'code' | 'severity' | 'params'> {
  count: number;
  rows: { position: number; line: number }[];
}

/** A row as chosen columns would read it. */
export interface MappedRow {
  line: number;
  turns: { role: Role | 'text'; content: string }[];
  problem?: RowProblem;
}

export interface TokenizeOptions {
  reading: Reading;
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
  /** Fields that nothing reads, the model's template included. */
  unused: string[];
}

export interface PreviewPiece {
  text: string;
  trained: boolean;
  /** One special token. */
  special: boolean;
  tokens: number;
  /** What it is part of, beside what is simply said. */
  kind?: PartKind;
  /** Beyond the maximal length: not there for the model. */
  cut?: boolean;
  /** The number of the turn whose row begins here, where each turn is a row. */
  turn?: number;
}

/** A row as the model sees it. */
export interface PreviewedRow {
  position: number;
  line: number;
  use: 'train' | 'evaluation' | 'excluded' | 'unusable';
  edited: boolean;
  tokens: number;
  trainedTokens: number;
  cutTokens: number;
  /** The text of its JSON where it has no tokens. */
  pieces: PreviewPiece[];
  /** What the linter found in it. */
  codes: FindingCode[];
  /** Why it is unusable. */
  problem: RowProblem | null;
}

/** What an edited row would be. */
export interface CheckedRow {
  tokens: number;
  trainedTokens: number;
  cutTokens: number;
  problem: RowProblem | null;
}

/** A change of one row or several; `undo` takes the last one back. */
export type RowChange =
  /** Takes `text`, a JSON object, for the row. Throws `data.edit_not_json`, `data.edit_not_object`. */
  | { kind: 'edit'; position: number; text: string }
  | { kind: 'exclude'; position: number }
  /** Excludes all rows of something that the linter found. */
  | { kind: 'excludeFound'; code: FindingCode }
  | { kind: 'include'; position: number }
  /** Gives it back the content it has in the file. */
  | { kind: 'restore'; position: number }
  | { kind: 'undo' };

/** Everything about text: parsing, templates, tokens, masks. */
export interface DataApi {
  /** Takes a port to the hub worker, for sources of kind `hub`. */
  connectHub(port: MessagePort): Promise<Result<null>>;
  /** Reads the tokenizer and chat template of a model; null for a folder without a tokenizer. */
  openTokenizer(
    source: ModelSource,
    vocabSize: number,
  ): Promise<Result<{ fallbackTemplate: boolean } | null>>;
  /**
   * Reads a data file. `rowsField` chooses the list of rows in a JSON object. Throws as `parseDataset` does,
   * `data.unknown_format`.
   */
  openDataset(
    source: DataSource,
    onProgress: (p: Progress) => void,
    rowsField?: string,
  ): Promise<Result<DatasetSummary>>;
  tokenize(options: TokenizeOptions, onProgress: (p: Progress) => void): Promise<Result<TokenizedSummary>>;
  /** Reads the rows by these columns; null by their own shape. Their tokens are to be made again. */
  mapColumns(mapping: ColumnMapping | null): Promise<Result<DatasetSummary>>;
  /** The first rows as a mapping would read them. */
  mappedRows(mapping: ColumnMapping): Promise<Result<MappedRow[]>>;
  /** What may be wrong with the rows, the worst first. */
  lint(): Promise<Result<FindingSummary[]>>;
  /** Changes rows; the file stays as it is. Their tokens are made by the next `tokenize`. */
  changeRows(change: RowChange): Promise<Result<ChangeCounts>>;
  /** A row as JSON to be edited, or as it stands in the file where it is none. */
  rowText(position: number): Promise<Result<string>>;
  /** What an edited row would be to the model. */
  checkRow(position: number, text: string, options: TokenizeOptions): Promise<Result<CheckedRow>>;
  /** The next row from `from` on that holds a text, round the end, and how many do. */
  findRow(
    query: string,
    from: number,
    direction: 1 | -1,
  ): Promise<Result<{ position: number | null; matches: number }>>;
  /** The position of the first row at or after a line of the file. */
  rowAtLine(line: number): Promise<Result<number>>;
  /** The rows that are left in, edits and all, as JSONL. */
  changedFile(): Promise<Result<File>>;
  /** The row at `position` as the model sees it. */
  preview(position: number): Promise<Result<PreviewedRow>>;
  /**
   * A prompt as tokens for the engine, which runs no template and no tokenizer itself: either may hang.
   * Throws `infer.no_tokenizer`, `data.template_*`, `data.pattern_hangs`.
   */
  promptTokens(prompt: Prompt): Promise<Result<PromptTokens>>;
  /** The tokens that training teaches to end answers with, for what is exported; none without a tokenizer. Throws as `promptTokens`. */
  trainedEnds(): Promise<Result<EndToken[]>>;
  /** Tokens and targets of the tokenized rows, for plans of memory. */
  rowShapes(): Promise<Result<DataShapes>>;
  /** The tokenized rows, for the engine. */
  rows(): Promise<Result<{ train: TokenRows; evaluation: TokenRows | null }>>;
}
