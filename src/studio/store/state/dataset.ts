import type {
  AddedMessage,
  ChangeCounts,
  CheckedRow,
  ColumnMapping,
  DataSource,
  DatasetSummary,
  EncodingChoice,
  FindingSummary,
  MappedRow,
  PreviewedRow,
  RowChange,
  TokenizedSummary,
} from '../../../hosts/browser/dataProtocol.ts';
import type { AttachedData } from '../../../hosts/browser/projectsProtocol.ts';
import type { ChatParts, EndToken, Progress, Prompt, PromptTokens } from '../../../hosts/browser/protocol.ts';
import type { ErrorNote } from '../errorNote.ts';

export interface DatasetState {
  status: 'none' | 'reading' | 'ready';
  /** Name of the file being read. */
  reading: string;
  summary: DatasetSummary | null;
  /** Origin of the rows: the file's name, or its address on a Hub, `hf:datasets/org/name@commit/file`. */
  address: string;
  /** The list of rows in it, where it has several. */
  rowsField: string | null;
  /** Its content as a name, and whether the project has a copy; null where nothing can be stored. */
  content: Pick<AttachedData, 'hash' | 'kept'> | null;
  /** Edits that were not applied yet, by position. */
  drafts: Record<number, string>;
  /** Changes that stay with the file before this one, and come back with it. */
  leftBehind: { name: string; n: number } | null;
  /** The open file, for reading another of its lists. */
  source: DataSource | null;
  /** A file that was not read because its rows may be in any of these lists; with `data.rows_field_unclear`. */
  unclear: { source: DataSource; fields: string[] } | null;
  /** A file that was not read because it may be in any of these encodings; with `data.encoding_unclear`. */
  unclearEncoding: { source: DataSource; choices: EncodingChoice[] } | null;
  tokenized: TokenizedSummary | null;
  tokenizing: boolean;
  preview: PreviewedRow | null;
  /** The linter's findings; while new ones are computed, the previous ones. */
  findings: FindingSummary[];
  linting: boolean;
  /** Counts of manual changes. */
  changes: ChangeCounts;
  /** Number of rows containing the last search text. */
  matches: { query: string; count: number } | null;
  /** Whether the columns are being chosen although the rows can be read without. */
  choosingColumns: boolean;
  progress: Progress | null;
  error: ErrorNote | null;
}

export interface DatasetSlice {
  dataset: DatasetState;
  /**
   * Reads a data file; the previous file stays until the new one has been read.
   * Changes that its rows had in this project are made again.
   * @param mapping columns that were chosen before
   * @param rowsField the list of rows in a JSON object, such as `data.train`; detected by default
   */
  openDataset(source: DataSource, rowsField?: string, mapping?: ColumnMapping | null): Promise<void>;
  /** Keeps an edit that is not applied yet; null forgets it. */
  setDraft(position: number, text: string | null): void;
  /** Reads a sample that ships with the page. */
  openSampleAt(url: string): Promise<void>;
  /** Tokenizes the rows with the model's tokenizer and the recipe; called again when either changes. */
  tokenize(): Promise<void>;
  /** Tokenizes after a pause for further keystrokes; until then the tokens count as not ready. */
  tokenizeSoon(): void;
  /** Discards the tokens, which belong to another model. */
  forgetTokens(): void;
  showRow(position: number): Promise<void>;
  /** Shows the first row at or after a line of the file. */
  showLine(line: number): Promise<void>;
  /** Shows the next row that contains a text; with `direction` 0, possibly the current one. */
  findRow(query: string, direction: 1 | 0 | -1): Promise<void>;
  /**
   * Changes rows, then tokenizes and lints them. Rejects with the error of an invalid edit, and then changes nothing.
   */
  changeRows(change: RowChange): Promise<void>;
  /**
   * Adds a conversation to the data as a row; without data, it becomes the first row of new data. Rejects with what is
   * wrong with it. @returns its position
   */
  addRow(messages: AddedMessage[]): Promise<number>;
  rowText(position: number): Promise<string>;
  /** Previews an edited row as the model sees it. */
  checkRow(position: number, text: string): Promise<CheckedRow>;
  /** Reads the rows by these columns; null by their own format. */
  mapColumns(mapping: ColumnMapping | null): Promise<void>;
  chooseColumns(open: boolean): void;
  mappedRows(mapping: ColumnMapping): Promise<MappedRow[]>;
  /** The included rows as a file; null if that failed. */
  changedFile(): Promise<File | null>;
  /** Tokenizes a prompt with the model's template and tokenizer. Throws their errors. */
  promptTokens(prompt: Prompt): Promise<PromptTokens>;
  /** The end tokens that training teaches; empty if the template or the tokenizer does not run. */
  trainedEnds(): Promise<EndToken[]>;
  /** What the model's template writes around messages; null where that is no fixed text, or it cannot run. */
  chatParts(): Promise<ChatParts | null>;
  dismissDatasetError(): void;
  /** Called when the data worker is lost, and with it the rows and the tokenizer. */
  dataLost(error: unknown): void;
}

export const emptyDataset: DatasetState = {
  status: 'none',
  reading: '',
  summary: null,
  address: '',
  rowsField: null,
  content: null,
  drafts: {},
  leftBehind: null,
  source: null,
  unclear: null,
  unclearEncoding: null,
  tokenized: null,
  tokenizing: false,
  preview: null,
  findings: [],
  linting: false,
  changes: { edited: 0, excluded: 0, added: 0, undoable: 0 },
  matches: null,
  choosingColumns: false,
  progress: null,
  error: null,
};
