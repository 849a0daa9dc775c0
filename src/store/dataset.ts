import { rowLimit } from './plan.ts';
import { GraftError } from '../lib/errors.ts';
import type { DataSource, DatasetSummary, PreviewPiece, TokenizedSummary } from '../workers/dataProtocol.ts';
import type { Progress, Prompt } from '../workers/protocol.ts';
import { noteOf, type ErrorNote } from './errorNote.ts';
import { isTraining, type SliceOf } from './state.ts';

export interface PreviewRow {
  index: number;
  line: number;
  tokens: number;
  pieces: PreviewPiece[];
}

export interface DatasetState {
  status: 'none' | 'reading' | 'ready';
  /** Name of the file that is being read. */
  reading: string;
  summary: DatasetSummary | null;
  /** Where the rows are from: the file's name, or its address on a Hub, `hf:datasets/org/name@commit/file`. */
  address: string;
  tokenized: TokenizedSummary | null;
  tokenizing: boolean;
  preview: PreviewRow | null;
  progress: Progress | null;
  error: ErrorNote | null;
}

export interface DatasetSlice {
  dataset: DatasetState;
  /** Reads a data file; the file of before stays until the new one has been read. */
  openDataset(source: DataSource): Promise<void>;
  /** Reads the sample that comes with the page. */
  openSample(url: string): Promise<void>;
  /** Turns the rows into tokens by the model's tokenizer and the recipe; called again when either changes. */
  tokenize(): Promise<void>;
  /** Forgets the tokens, which belong to another model. */
  forgetTokens(): void;
  showRow(index: number): Promise<void>;
  /** Token ids of a prompt, by the model's template and tokenizer. Throws what is wrong with them. */
  promptIds(prompt: Prompt): Promise<number[]>;
  dismissDatasetError(): void;
  /** Called when the data worker is lost, and with it the rows and the tokenizer. */
  dataLost(error: unknown): void;
}

export const emptyDataset: DatasetState = {
  status: 'none',
  reading: '',
  summary: null,
  address: '',
  tokenized: null,
  tokenizing: false,
  preview: null,
  progress: null,
  error: null,
};

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

    const tokenizeOnce = async () => {
      const { recipe, model, dataset } = get();
      if (model.status !== 'ready' || dataset.status !== 'ready') return;
      const { mask, eval_fraction: evalFraction, seed } = recipe.draft;
      const maxLength = rowLimit(recipe.draft, model.summary?.maxPositions);
      patch({ tokenizing: true, error: null });
      try {
        const options = { mask, maxLength, evalFraction, seed };
        const tokenized = await workers.data.call.tokenize(options, onProgress);
        if (again || get().model.status !== 'ready') return;
        patch({ tokenized, tokenizing: false, progress: null });
        get().announce({ kind: 'dataReady', rows: tokenized.rows });
        await get().showRow(Math.min(get().dataset.preview?.index ?? 0, Math.max(0, tokenized.rows - 1)));
      } catch (error) {
        patch({ tokenized: null, preview: null, error: noteOf(error) });
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
      async openDataset(source) {
        if (isTraining(get())) return;
        const before = get().dataset;
        patch({
          status: 'reading',
          reading: source.kind === 'file' ? source.file.name : source.name,
          progress: null,
          error: null,
        });
        try {
          await restoreTokenizer();
          const summary = await workers.data.call.openDataset(source, onProgress);
          set({ dataset: { ...emptyDataset, status: 'ready', summary, address: addressOf(source) } });
          await get().tokenize();
        } catch (error) {
          const kept = tokenizerLost ? emptyDataset : before;
          set({ dataset: { ...kept, progress: null, error: noteOf(error) } });
        }
      },
      async openSample(url) {
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
      forgetTokens: () => patch({ tokenized: null, preview: null }),
      async showRow(index) {
        wantedRow = index;
        try {
          const row = await workers.data.call.preview(index);
          if (wantedRow === index) patch({ preview: { index, ...row } });
        } catch (error) {
          if (wantedRow === index) patch({ preview: null, error: noteOf(error) });
        }
      },
      async promptIds(prompt) {
        await restoreTokenizer();
        return workers.data.call.promptIds(prompt);
      },
      dismissDatasetError: () => patch({ error: null }),
      dataLost(error) {
        tokenizerLost = true;
        set({ dataset: { ...emptyDataset, error: noteOf(error) } });
      },
    };
  };

function addressOf(source: DataSource): string {
  return source.kind === 'file' ? source.file.name : `hf:${source.repo}@${source.commit}/${source.path}`;
}
