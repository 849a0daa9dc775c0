import { rowLimit } from './plan.ts';
import { GraftError } from '../lib/errors.ts';
import { readingOf } from '../data/reading.ts';
import type {
  ChangeCounts,
  CheckedRow,
  ColumnMapping,
  DataSource,
  DatasetSummary,
  FindingSummary,
  MappedRow,
  PreviewedRow,
  RowChange,
  TokenizedSummary,
  TokenizeOptions,
} from '../workers/dataProtocol.ts';
import type { EndToken, Progress, Prompt, PromptTokens } from '../workers/protocol.ts';
import { noteOf, type ErrorNote } from './errorNote.ts';
import { isTraining, type SliceOf, type Studio } from './state.ts';

export interface DatasetState {
  status: 'none' | 'reading' | 'ready';
  /** Name of the file that is being read. */
  reading: string;
  summary: DatasetSummary | null;
  /** Where the rows are from: the file's name, or its address on a Hub, `hf:datasets/org/name@commit/file`. */
  address: string;
  /** The open file, to read another list of it. */
  source: DataSource | null;
  /** A file that was not read because its rows may be in any of these lists; with `data.rows_field_unclear`. */
  unclear: { source: DataSource; fields: string[] } | null;
  tokenized: TokenizedSummary | null;
  tokenizing: boolean;
  preview: PreviewedRow | null;
  /** What may be wrong with the rows; of before while new ones are looked for. */
  findings: FindingSummary[];
  linting: boolean;
  /** What was changed by hand. */
  changes: ChangeCounts;
  /** How many rows hold the text that was searched last. */
  matches: { query: string; count: number } | null;
  /** Whether the columns are being chosen though the rows can be read without. */
  choosingColumns: boolean;
  progress: Progress | null;
  error: ErrorNote | null;
}

export interface DatasetSlice {
  dataset: DatasetState;
  /**
   * Reads a data file; the file of before stays until the new one has been read.
   * @param rowsField the list of rows in a JSON object, such as `data.train`; found by itself without
   */
  openDataset(source: DataSource, rowsField?: string): Promise<void>;
  /** Reads a sample that comes with the page. */
  openSampleAt(url: string): Promise<void>;
  /** Turns the rows into tokens by the model's tokenizer and the recipe; called again when either changes. */
  tokenize(): Promise<void>;
  /** Forgets the tokens, which belong to another model. */
  forgetTokens(): void;
  showRow(position: number): Promise<void>;
  /** Shows the first row at or after a line of the file. */
  showLine(line: number): Promise<void>;
  /** Shows the next row that holds a text; where `direction` is 0 the one shown may be it. */
  findRow(query: string, direction: 1 | 0 | -1): Promise<void>;
  /** Changes rows, makes their tokens and checks them. Rejects with what is wrong with an edit, and then changes nothing. */
  changeRows(change: RowChange): Promise<void>;
  rowText(position: number): Promise<string>;
  /** What an edited row would be to the model. */
  checkRow(position: number, text: string): Promise<CheckedRow>;
  /** Reads the rows by these columns; null by their own shape. */
  mapColumns(mapping: ColumnMapping | null): Promise<void>;
  chooseColumns(open: boolean): void;
  mappedRows(mapping: ColumnMapping): Promise<MappedRow[]>;
  /** The rows that are left in as a file; null where that failed. */
  changedFile(): Promise<File | null>;
  /** A prompt as tokens, by the model's template and tokenizer. Throws what is wrong with them. */
  promptTokens(prompt: Prompt): Promise<PromptTokens>;
  /** The tokens that training teaches to end answers with; none where the template or the tokenizer does not run. */
  trainedEnds(): Promise<EndToken[]>;
  dismissDatasetError(): void;
  /** Called when the data worker is lost, and with it the rows and the tokenizer. */
  dataLost(error: unknown): void;
}

export const emptyDataset: DatasetState = {
  status: 'none',
  reading: '',
  summary: null,
  address: '',
  source: null,
  unclear: null,
  tokenized: null,
  tokenizing: false,
  preview: null,
  findings: [],
  linting: false,
  changes: { edited: 0, excluded: 0, undoable: 0 },
  matches: null,
  choosingColumns: false,
  progress: null,
  error: null,
};

/** How rows become tokens by the recipe and the model as they are now. */
function tokenizeOptions({ recipe, model }: Studio): TokenizeOptions {
  const { eval_fraction: evalFraction, seed } = recipe.draft;
  return {
    reading: readingOf(recipe.draft),
    maxLength: rowLimit(recipe.draft, model.summary?.maxPositions),
    evalFraction,
    seed,
  };
}

export const createDatasetSlice: SliceOf<DatasetSlice> =
  ({ workers }) =>
  (set, get) => {
    const patch = (changes: Partial<DatasetState>) =>
      set(({ dataset }) => ({ dataset: { ...dataset, ...changes } }));
    const onProgress = (progress: Progress) => patch({ progress });
    // The data worker keeps one tokenized set: a request during another waits, and only the last one counts.
    let running: Promise<void> | null = null;
    let again = false;
    let wantedRow = 0;
    let tokenizerLost = false;

    const lint = async () => {
      patch({ linting: true });
      try {
        const findings = await workers.data.call.lint();
        if (!again) patch({ findings });
      } catch (error) {
        patch({ findings: [], error: noteOf(error) });
      } finally {
        patch({ linting: false });
      }
    };

    const tokenizeOnce = async () => {
      const { model, dataset } = get();
      if (dataset.status !== 'ready' || !dataset.summary || dataset.summary.format === null) return;
      if (model.status !== 'ready') return lint();
      patch({ tokenizing: true, error: null });
      try {
        const tokenized = await workers.data.call.tokenize(tokenizeOptions(get()), onProgress);
        if (again || get().model.status !== 'ready') return;
        patch({ tokenized, tokenizing: false, progress: null });
        get().announce({ kind: 'dataReady', rows: tokenized.rows });
        // What the linter found is told of the row that is shown, so it comes first.
        await lint();
        // Not the row that is shown: a person may just have asked for another.
        await get().showRow(wantedRow);
      } catch (error) {
        patch({ tokenized: null, preview: null, findings: [], error: noteOf(error) });
      } finally {
        patch({ tokenizing: false, progress: null });
      }
    };

    const restoreTokenizer = async () => {
      const { source, summary } = get().model;
      if (!tokenizerLost || !source || !summary) return;
      tokenizerLost = false;
      await workers.data.call.openTokenizer(source, summary.vocabSize);
    };

    return {
      dataset: emptyDataset,
      async openDataset(source, rowsField) {
        if (isTraining(get())) return;
        const before = get().dataset;
        patch({
          status: 'reading',
          reading: source.kind === 'file' ? source.file.name : source.name,
          progress: null,
          error: null,
          unclear: null,
        });
        try {
          await restoreTokenizer();
          const summary = await workers.data.call.openDataset(source, onProgress, rowsField);
          wantedRow = 0;
          set({ dataset: { ...emptyDataset, status: 'ready', summary, source, address: addressOf(source) } });
          await get().tokenize();
        } catch (error) {
          const kept = tokenizerLost ? emptyDataset : before;
          set({
            dataset: { ...kept, progress: null, error: noteOf(error), unclear: unclearOf(error, source) },
          });
        }
      },
      async openSampleAt(url) {
        try {
          const response = await fetch(url);
          if (!response.ok) throw new GraftError('workers.sample_missing', { status: response.status });
          const name = url.split('/').at(-1) ?? 'sample.jsonl';
          await get().openDataset({ kind: 'file', file: new File([await response.blob()], name) });
        } catch (error) {
          patch({ error: noteOf(error) });
        }
      },
      async tokenize() {
        if (running) {
          again = true;
          return running;
        }
        running = (async () => {
          do {
            again = false;
            await tokenizeOnce();
          } while (again);
        })().finally(() => (running = null));
        return running;
      },
      forgetTokens: () => patch({ tokenized: null, preview: null, findings: [] }),
      async showRow(position) {
        wantedRow = position;
        try {
          const row = await workers.data.call.preview(position);
          if (wantedRow === position) patch({ preview: row });
        } catch (error) {
          if (wantedRow === position) patch({ preview: null, error: noteOf(error) });
        }
      },
      async showLine(line) {
        try {
          await get().showRow(await workers.data.call.rowAtLine(line));
        } catch (error) {
          patch({ error: noteOf(error) });
        }
      },
      async findRow(query, direction) {
        if (query.trim() === '') return patch({ matches: null });
        try {
          const from = (get().dataset.preview?.position ?? 0) + direction;
          const { position, matches } = await workers.data.call.findRow(query, from, direction < 0 ? -1 : 1);
          patch({ matches: { query, count: matches } });
          if (position !== null) await get().showRow(position);
        } catch (error) {
          patch({ error: noteOf(error) });
        }
      },
      async changeRows(change) {
        if (isTraining(get())) return;
        const changes = await workers.data.call.changeRows(change);
        patch({ changes, matches: null });
        if ('position' in change) wantedRow = change.position;
        await get().tokenize();
      },
      rowText: (position) => workers.data.call.rowText(position),
      checkRow: (position, text) => workers.data.call.checkRow(position, text, tokenizeOptions(get())),
      async mapColumns(mapping) {
        if (isTraining(get())) return;
        try {
          const summary = await workers.data.call.mapColumns(mapping);
          patch({ summary, tokenized: null, preview: null, findings: [], choosingColumns: false });
          await get().tokenize();
        } catch (error) {
          patch({ error: noteOf(error) });
        }
      },
      chooseColumns: (open) => patch({ choosingColumns: open }),
      mappedRows: (mapping) => workers.data.call.mappedRows(mapping),
      async changedFile() {
        try {
          return await workers.data.call.changedFile();
        } catch (error) {
          patch({ error: noteOf(error) });
          return null;
        }
      },
      async promptTokens(prompt) {
        await restoreTokenizer();
        return workers.data.call.promptTokens(prompt);
      },
      async trainedEnds() {
        try {
          await restoreTokenizer();
          return await workers.data.call.trainedEnds();
        } catch (error) {
          // What was trained can be taken away all the same: the model step says what is wrong with the tokenizer.
          if (error instanceof GraftError && error.code.startsWith('data.')) return [];
          throw error;
        }
      },
      dismissDatasetError: () => patch({ error: null, unclear: null }),
      dataLost(error) {
        tokenizerLost = true;
        set({ dataset: { ...emptyDataset, error: noteOf(error) } });
      },
    };
  };

/** The lists that may be the rows of a file, where that is why it was not read. */
function unclearOf(error: unknown, source: DataSource): DatasetState['unclear'] {
  if (!(error instanceof GraftError) || error.code !== 'data.rows_field_unclear') return null;
  return { source, fields: JSON.parse(String(error.params.choices)) as string[] };
}

function addressOf(source: DataSource): string {
  return source.kind === 'file' ? source.file.name : `hf:${source.repo}@${source.commit}/${source.path}`;
}
