/** The data worker's API. Everything here survives structured cloning. */
import type { Recipe } from '../../base/config/recipe.ts';
import type { MetricName, MetricOptions } from '../../content/metrics/metrics.ts';
import type { EvaluationData } from '../../session/evaluation/evaluationData.ts';
import type { ChatParts } from '../../content/data/template/chatParts.ts';
import type { Column, ColumnMapping } from '../../content/data/rows/columns.ts';
import type { Role } from '../../content/data/rows/conversation.ts';
import type { DataFacts } from '../../content/data/rows/dataFacts.ts';
import type { DataFormat } from '../../content/data/rows/formats.ts';
import type { Finding, FindingCode } from '../../content/data/checks/finding.ts';
import type { ParsedDataset } from '../../content/data/files/parse.ts';
import type { PreviewPiece } from '../../content/data/checks/preview.ts';
import type { DatasetOptions, SplitOptions } from '../../content/data/dataset/dataset.ts';
import type { AddedMessage } from '../../content/data/rows/addedRow.ts';
import type { RowPrompt } from '../../content/data/rows/rowPrompt.ts';
import type { ChangeCounts } from '../../content/data/rows/sheet.ts';
import type { TokenRows } from '../../content/data/tokens/tokenRows.ts';
import type { RowsPlace } from '../../content/data/tokens/trainRows.ts';
import type { ErrorCode, ErrorParams } from '../../base/lib/errors.ts';
import type { DataShapes } from '../../engine/train/largestBatch.ts';
import type { EndToken } from '../../content/data/labels/turnEnd.ts';
import type { Encoding } from '../../content/data/files/encoding.ts';
import type { IntakeApi } from './intakeProtocol.ts';
import type { ProjectsApi } from './projectsProtocol.ts';
import type { Prompt, PromptTokens } from '../../content/guard/textProtocol.ts';
import type { ModelSource, Progress } from './messages.ts';

/** Where a data file is: on the user's disk, among the projects' copies, or in a downloaded data set. */
export type DataSource = {
  /** The character encoding that the user chose; detected by default. */
  encoding?: Encoding;
} & (
  | { kind: 'file'; file: File }
  | { kind: 'kept'; name: string; hash: string }
  | { kind: 'cached'; name: string; host: string; repo: string; commit: string; path: string }
);

export type { Encoding, EncodingChoice } from '../../content/data/files/encoding.ts';

export type { Column, ColumnMapping } from '../../content/data/rows/columns.ts';
export type { PreviewPiece } from '../../content/data/checks/preview.ts';
export type { FindingCode } from '../../content/data/checks/finding.ts';
export type { AddedMessage } from '../../content/data/rows/addedRow.ts';
export type { RowPrompt } from '../../content/data/rows/rowPrompt.ts';
export type { ChangeCounts } from '../../content/data/rows/sheet.ts';

/** A row that can't be used, and why. */
export interface RowProblem {
  line: number;
  code: ErrorCode;
  params: ErrorParams;
  /** The row's position in the sheet; null for one that can't be shown and edited. */
  position: number | null;
}

/** How a data file was read. */
type FileFacts = Pick<ParsedDataset, 'kindFrom' | 'encoding' | 'rowsField' | 'otherRowsFields'>;

export interface DatasetSummary extends DataFacts, FileFacts {
  name: string;
  kind: ParsedDataset['kind'];
  /** `columns` if the user chose them; null if they have to be chosen first. */
  format: DataFormat | 'columns' | null;
  /** Rows that were read. */
  rows: number;
  /** Bytes of a file of which only the first rows are here: all of them are read when a run begins. Null for others. */
  sampleOf: number | null;
  /** Number of rows of the file that can be shown: those, and those that can't be read but may be repaired. */
  positions: number;
  /** Columns to choose from. */
  columns: Column[];
  mapping: ColumnMapping | null;
  /** The likeliest meaning of the columns. */
  guess: ColumnMapping | null;
  problems: RowProblem[];
  problemCount: number;
}

/** A finding of the linter, with the first rows it is about. */
export interface FindingSummary extends Pick<Finding, 'code' | 'severity' | 'params'> {
  count: number;
  rows: { position: number; line: number }[];
}

/** A row as a column mapping would read it. */
export interface MappedRow {
  line: number;
  turns: { role: Role | 'text'; content: string }[];
  problem?: RowProblem;
}

/** How rows become tokens, and which are held out. */
export type TokenizeRequest = Omit<DatasetOptions, 'vocabSize'> & SplitOptions;

/** A validation file. */
export interface ValidationSummary {
  name: string;
  rows: number;
  /** Lines that can't be read. */
  problemCount: number;
}

export interface TokenizedSummary {
  rows: number;
  /** Rows that the loss is measured on: of the validation file where there is one, else those held out. */
  evalRows: number;
  /** Of the validation file: rows that can't be used; null without one. */
  validation: Pick<TokenizedSummary, 'problems' | 'problemCount'> | null;
  tokens: number;
  trainedTokens: number;
  truncatedRows: number;
  truncatedTokens: number;
  longest: number;
  /** Rows by token length. */
  histogram: { from: number; to: number; rows: number }[];
  problems: RowProblem[];
  problemCount: number;
  /** Fields that are not used, not even by the model's template. */
  unused: string[];
}

/** A row as the model sees it. */
export interface PreviewedRow {
  position: number;
  line: number;
  use: 'train' | 'evaluation' | 'excluded' | 'unusable';
  edited: boolean;
  /** It is not in the file. */
  added: boolean;
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

/** How held-out rows, or those of a file, are scored. */
export interface EvaluationSettings {
  /** Those that there are no rows for are left out. */
  metrics: readonly MetricName[];
  options: MetricOptions;
  maxNewTokens: number;
  maxPositions: number;
  /** Examples before each multiple-choice question of a file. */
  shots: number;
  /** The chat's, for rows without one. */
  system: string;
  templateArgs: Recipe['template_args'];
}

/** Rows for the engine, and those that cannot be asked. */
export interface PreparedEvaluation {
  data: EvaluationData;
  problems: RowProblem[];
}

/** Prompts to be answered one after the other. */
export interface PromptList {
  /** What was asked, and as it is shown. */
  prompts: (RowPrompt & { text: string })[];
  /** Rows that ask nothing, such as plain texts. */
  skipped: number;
  /** Lines that cannot be read. */
  problems: RowProblem[];
}

/** What an edited row would be. */
export interface CheckedRow {
  tokens: number;
  trainedTokens: number;
  cutTokens: number;
  problem: RowProblem | null;
}

/** A change of one row or several; `undo` reverts the last one. */
export type RowChange =
  /** Replaces the row by `text`, a JSON object. Throws `data.edit_not_json`, `data.edit_not_object`. */
  | { kind: 'edit'; position: number; text: string }
  /** Adds a row after all others. Throws `data.add_*`. */
  | { kind: 'add'; messages: AddedMessage[] }
  | { kind: 'exclude'; position: number }
  /** Excludes all rows of a finding. */
  | { kind: 'excludeFound'; code: FindingCode }
  | { kind: 'include'; position: number }
  /** Restores the content it has in the file. */
  | { kind: 'restore'; position: number }
  | { kind: 'undo' };

/** The rows of a run: in memory, or where they are stored. */
export interface RunRows {
  train: TokenRows | RowsPlace;
  evaluation: TokenRows | null;
}

/** Everything about text: parsing, templates, tokens, masks. */
export interface DataApi extends ProjectsApi, IntakeApi {
  /** Takes a port to the hub worker, for sources of kind `hub`. */
  connectHub(port: MessagePort): Promise<void>;
  /** Reads the tokenizer and chat template of a model; null for a folder without a tokenizer. */
  openTokenizer(source: ModelSource, vocabSize: number): Promise<{ fallbackTemplate: boolean } | null>;
  /**
   * Reads a data file, also a compressed one. `rowsField` chooses the list of rows in a JSON object. Throws as
   * `parseDataset` and `readableSource` do, `data.unknown_format`.
   */
  openDataset(
    source: DataSource,
    onProgress: (p: Progress) => void,
    rowsField?: string,
  ): Promise<DatasetSummary>;
  /**
   * Reads a validation file, whose rows the loss is measured on; null forgets it. The rows have to be tokenized again. Throws
   * as `openDataset` does; the one before stays then.
   */
  openValidation(
    source: DataSource | null,
    onProgress: (p: Progress) => void,
  ): Promise<ValidationSummary | null>;
  tokenize(request: TokenizeRequest, onProgress: (p: Progress) => void): Promise<TokenizedSummary>;
  /** Reads the rows by these columns; null by their own shape. They have to be tokenized again. */
  mapColumns(mapping: ColumnMapping | null): Promise<DatasetSummary>;
  /** The first rows as a mapping would read them. */
  mappedRows(mapping: ColumnMapping): Promise<MappedRow[]>;
  /** What may be wrong with the rows, the worst first. */
  lint(): Promise<FindingSummary[]>;
  /** Changes rows; the file stays as it is. The next `tokenize` includes the changes. */
  changeRows(change: RowChange): Promise<ChangeCounts>;
  /** A row as JSON to be edited, or its text in the file if that is no JSON. */
  rowText(position: number): Promise<string>;
  /** What an edited row would be to the model. */
  checkRow(position: number, text: string, request: TokenizeRequest): Promise<CheckedRow>;
  /** The next row from `from` on that contains a text, wrapping around, and how many do. */
  findRow(
    query: string,
    from: number,
    direction: 1 | -1,
  ): Promise<{ position: number | null; matches: number }>;
  /** The position of the first row at or after a line of the file. */
  rowAtLine(line: number): Promise<number>;
  /** The rows that are not excluded, with their edits, as JSONL. */
  changedFile(): Promise<File>;
  /** The row at `position` as the model sees it. */
  preview(position: number): Promise<PreviewedRow>;
  /**
   * A prompt as tokens for the engine, which runs no template and no tokenizer itself: either may hang.
   * Throws `infer.no_tokenizer`, `data.template_*`, `data.pattern_hangs`.
   */
  promptTokens(prompt: Prompt): Promise<PromptTokens>;
  /** The prompts of the rows held out for evaluation, with their answers. */
  heldOutPrompts(): Promise<PromptList>;
  /** The held-out rows, made ready to be scored by the engine. Throws as `promptTokens`. */
  heldOutEvaluation(settings: EvaluationSettings): Promise<PreparedEvaluation>;
  /**
   * The rows of a file that is opened for this alone, multiple-choice questions among them. Throws as `readEvaluation` does.
   * @param mask of what losses are of
   */
  fileEvaluation(
    source: DataSource,
    settings: EvaluationSettings,
    mask: Recipe['mask'],
  ): Promise<PreparedEvaluation>;
  /** Prompts of a pasted text: one a line, or JSONL rows in the formats of data files, with or without answers. */
  readPrompts(text: string): Promise<PromptList>;
  /** The tokens that training teaches to end answers with, for what is exported; none without a tokenizer. Throws as `promptTokens`. */
  trainedEnds(): Promise<EndToken[]>;
  /** What the model's template writes around messages; null where that is no fixed text. Throws as `promptTokens`. */
  chatParts(): Promise<ChatParts | null>;
  /** Tokens and targets of each tokenized row, for memory plans. */
  rowShapes(): Promise<DataShapes>;
  /** The tokenized rows, for the engine. Throws `data.needs_memory` for a large file. */
  rows(): Promise<{ train: TokenRows; evaluation: TokenRows | null }>;
  /**
   * The same for a run. All rows of a large file are tokenized now, or where that was ended gone on with; the engine reads
   * them from where they are. Throws `data.tokenizing_stopped`, and as `tokenizeLarge` and `splitStreamed` do.
   */
  runRows(onProgress: (p: Progress) => void): Promise<RunRows>;
  /** Ends `runRows`. */
  stopRows(): Promise<void>;
}
