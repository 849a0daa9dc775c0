import { rowLimit } from './plan.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { readingOf } from '../../base/config/reading.ts';
import type { DataSource, EncodingChoice, TokenizeRequest } from '../../hosts/browser/dataProtocol.ts';
import type { AttachedData } from '../../hosts/browser/projectsProtocol.ts';
import { isSample } from './example.ts';
import type { Progress } from '../../hosts/browser/protocol.ts';
import { noteOf } from './errorNote.ts';
import { isReadOnly, isTraining, type SliceOf, type Studio } from './state.ts';
import { emptyValidation } from './state/validation.ts';
import { emptyDataset, type DatasetState, type DatasetSlice } from './state/dataset.ts';

/** How rows become tokens by the recipe and the model as they are now. */
function tokenizeRequest({ recipe, model }: Studio): TokenizeRequest {
  const { eval_fraction: evalFraction, seed } = recipe.draft;
  return {
    reading: readingOf(recipe.draft),
    maxLength: rowLimit(recipe.draft, model.summary?.maxPositions),
    evalFraction,
    seed,
  };
}

/** Name of data that begins with an answer of the chat. */
const NEW_DATA = 'chat.jsonl';

/** Time from a keystroke to storing the draft, in ms. */
const DRAFT_PAUSE = 300;
/** Time from a keystroke to tokenizing, in ms. */
const TYPING_PAUSE = 400;

export const createDatasetSlice: SliceOf<DatasetSlice> =
  ({ workers }) =>
  (set, get) => {
    const patch = (changes: Partial<DatasetState>) =>
      set(({ dataset }) => ({ dataset: { ...dataset, ...changes } }));
    const onProgress = (progress: Progress) => patch({ progress });
    // The data worker holds one tokenized set: a request during another waits, and only the last one counts.
    let running: Promise<void> | null = null;
    let again = false;
    let wantedRow = 0;
    let tokenizerLost = false;
    let draftPause: ReturnType<typeof setTimeout> | undefined;
    let typingPause: ReturnType<typeof setTimeout> | undefined;
    /** Whether the tokens are, or are about to be, of other rows than the recipe's. */
    const outdated = () => again || typingPause !== undefined;

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
      const readable = dataset.status === 'ready' && dataset.summary && dataset.summary.format !== null;
      if (!readable || model.status !== 'ready') {
        patch({ tokenizing: false });
        return readable ? lint() : undefined;
      }
      patch({ tokenizing: true, error: null });
      try {
        const tokenized = await workers.data.call.tokenize(tokenizeRequest(get()), onProgress);
        if (outdated() || get().model.status !== 'ready') return;
        patch({ tokenized, tokenizing: false, progress: null });
        get().announce({ kind: 'dataReady', rows: tokenized.rows });
        // The preview shows findings of its row, so they come first.
        await lint();
        // Not the shown row: the user may just have selected another.
        await get().showRow(wantedRow);
      } catch (error) {
        patch({ tokenized: null, preview: null, findings: [], error: noteOf(error) });
      } finally {
        patch({ tokenizing: outdated(), progress: null });
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
      async openDataset(source, rowsField, mapping) {
        if (isTraining(get()) || isReadOnly(get())) return;
        const before = get().dataset;
        patch({
          status: 'reading',
          reading: nameOf(source),
          progress: null,
          error: null,
          unclear: null,
          unclearEncoding: null,
        });
        try {
          await restoreTokenizer();
          const read = await workers.data.call.openDataset(source, onProgress, rowsField);
          if (!isSample(source)) get().leaveExample('data');
          const attached = await get().attachData(rowsField ?? null);
          const summary = mapping ? await workers.data.call.mapColumns(mapping) : read;
          wantedRow = 0;
          set({
            dataset: {
              ...emptyDataset,
              status: 'ready',
              summary,
              source,
              address: addressOf(source),
              rowsField: rowsField ?? null,
              leftBehind: leftBehind(before, attached),
              ...(attached && {
                content: { hash: attached.hash, kept: attached.kept },
                changes: attached.changes,
                drafts: attached.drafts,
              }),
            },
          });
          await get().tokenize();
        } catch (error) {
          const remaining = tokenizerLost ? emptyDataset : before;
          set({
            dataset: {
              ...remaining,
              progress: null,
              error: noteOf(error),
              unclear: unclearOf(error, source),
              unclearEncoding: unclearEncodingOf(error, source),
            },
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
      tokenizeSoon() {
        // At once: no training may start with the tokens of the recipe before.
        if (get().dataset.tokenized) patch({ tokenizing: true });
        clearTimeout(typingPause);
        typingPause = setTimeout(() => void get().tokenize(), TYPING_PAUSE);
      },
      async tokenize() {
        clearTimeout(typingPause);
        typingPause = undefined;
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
        if (isTraining(get()) || isReadOnly(get())) return;
        const changes = await workers.data.call.changeRows(change);
        patch({ changes, matches: null });
        if ('position' in change) wantedRow = change.position;
        else if (change.kind === 'add') wantedRow = get().dataset.summary!.positions + changes.added - 1;
        await get().tokenize();
      },
      async addRow(messages) {
        const { status, summary, changes } = get().dataset;
        if (status === 'ready' && summary) {
          await get().changeRows({ kind: 'add', messages });
          return summary.positions + changes.added;
        }
        const file = new File([`${JSON.stringify({ messages })}\n`], NEW_DATA, { type: 'application/jsonl' });
        await get().openDataset({ kind: 'file', file });
        return 0;
      },
      setDraft(position, text) {
        if (isReadOnly(get())) return;
        const { [position]: _, ...others } = get().dataset.drafts;
        const drafts = text === null ? others : { ...others, [position]: text };
        patch({ drafts });
        clearTimeout(draftPause);
        draftPause = setTimeout(
          () => void workers.data.call.writeDrafts(drafts).catch(() => undefined),
          DRAFT_PAUSE,
        );
      },
      rowText: (position) => workers.data.call.rowText(position),
      checkRow: (position, text) => workers.data.call.checkRow(position, text, tokenizeRequest(get())),
      async mapColumns(mapping) {
        if (isTraining(get()) || isReadOnly(get())) return;
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
          // The adapter can be exported anyway: the model step shows what is wrong with the tokenizer.
          if (error instanceof GraftError && error.code.startsWith('data.')) return [];
          throw error;
        }
      },
      async chatParts() {
        try {
          await restoreTokenizer();
          return await workers.data.call.chatParts();
        } catch (error) {
          if (error instanceof GraftError && error.code.startsWith('data.')) return null;
          throw error;
        }
      },
      dismissDatasetError: () => patch({ error: null, unclear: null, unclearEncoding: null }),
      dataLost(error) {
        tokenizerLost = true;
        set({ dataset: { ...emptyDataset, error: noteOf(error) }, validation: emptyValidation });
      },
    };
  };

/** The lists that may be the rows of a file, if that is why it was not read. */
function unclearOf(error: unknown, source: DataSource): DatasetState['unclear'] {
  if (!(error instanceof GraftError) || error.code !== 'data.rows_field_unclear') return null;
  return { source, fields: JSON.parse(String(error.params.choices)) as string[] };
}

/** The encodings that a file may have, if that is why it was not read. */
function unclearEncodingOf(error: unknown, source: DataSource): DatasetState['unclearEncoding'] {
  if (!(error instanceof GraftError) || error.code !== 'data.encoding_unclear') return null;
  return { source, choices: JSON.parse(String(error.params.choices)) as EncodingChoice[] };
}

function addressOf(source: DataSource): string {
  return source.kind === 'cached' ? `hf:${source.repo}@${source.commit}/${source.path}` : nameOf(source);
}

function nameOf(source: DataSource): string {
  return source.kind === 'file' ? source.file.name : source.name;
}

/** Changes of the file before, unless this is the same one. */
function leftBehind({ summary, changes, content }: DatasetState, attached: AttachedData | null) {
  const n = changes.edited + changes.excluded + changes.added;
  if (!summary || !content || !attached || n === 0 || attached.hash === content.hash) return null;
  return { name: summary.name, n };
}
