import type { ByteSource } from '../../base/storage/types.ts';
import type { ProjectStore } from '../../content/projects/projectStore.ts';
import { assert, GraftError } from '../../base/lib/errors.ts';
import { throttled } from '../../base/lib/throttle.ts';
import type { Dataset, DatasetTokens } from '../../content/data/dataset/dataset.ts';
import { encodings, type Encoding } from '../../content/data/files/encoding.ts';
import { parseDataset } from '../../content/data/files/parse.ts';
import { readableSource } from '../../content/intake/unpack/readable.ts';
import { readTokenizerFiles } from '../../content/data/tokenizer/tokenizerFiles.ts';
import { rowShapes, selectShapes } from '../../content/data/tokens/rowShapes.ts';
import { selectRows, type TokenRows } from '../../content/data/tokens/tokenRows.ts';
import { addedRow } from '../../content/data/rows/addedRow.ts';
import { toJsonText } from '../../content/data/files/exactJson.ts';
import { fileEvaluation, heldOutEvaluation } from './data/evaluation.ts';
import { heldOutPrompts, pastedPrompts } from './data/prompts.ts';
import { mappedRows } from './data/mappedRows.ts';
import { changedFile, openFile, type OpenFile } from './data/openFile.ts';
import { checkedRow, previewedRow } from './data/previewedRow.ts';
import { datasetSummary, findingSummaries, tokenizedSummary } from './data/summaries.ts';
import { inOpfs, LargeRows, type LargeFiles } from './data/largeRows.ts';
import { tokenizerKey } from '../../content/data/streamed/fileKey.ts';
import type { DataApi, DataSource, TokenizeRequest } from './dataProtocol.ts';
import { createHubLink } from './hubLink.ts';
import { createIntakeService } from './intakeService.ts';
import type { Progress } from './messages.ts';
import { dataSourceOf, folderOf } from './sourceFolder.ts';
import { createProjectsService, openProjectStore } from './projectsService.ts';
import { TextGuard } from '../../content/guard/textGuard.ts';
import type { WorkerLike } from '../../base/threads/workerClient.ts';

/**
 * The data worker: holds one data file and its tokens, and watches over the text worker, which runs the model's template
 * and tokenizer. A data file that can't be opened leaves the open one in place.
 * @param startText starts the text worker
 * @param openProjects opens the stored projects
 * @param largeFiles where their rows are tokenized to
 */
export function createDataService(
  startText: () => WorkerLike,
  openProjects: () => Promise<ProjectStore> = openProjectStore,
  largeFiles: LargeFiles = inOpfs,
): DataApi {
  const hub = createHubLink();
  const tokenizer = new TextGuard(startText);
  let vocabSize = 0;
  let tokenizerId = '';
  let asked: TokenizeRequest | null = null;
  let file: OpenFile | null = null;
  let bytes: { file: ByteSource; copy: boolean } | null = null;
  let validation: { dataset: Dataset; file: ByteSource; copy: boolean } | null = null;

  const opened = (): OpenFile => {
    assert(file, 'no data file is open');
    return file;
  };
  const { rowsChanged, detach, ...projects } = createProjectsService(
    openProjects,
    () => {
      assert(bytes, 'no data file is open');
      return { ...bytes, sheet: opened().dataset.sheet };
    },
    () => {
      assert(validation, 'no validation file is open');
      return validation;
    },
  );
  const sourceOf = async (source: DataSource): Promise<ByteSource> =>
    source.kind === 'kept' ? keptFile(await openProjects(), source) : dataSourceOf(source);
  const tokens = (): DatasetTokens => {
    if (!file?.dataset.tokens) throw new GraftError('train.no_rows');
    return file.dataset.tokens;
  };

  /** The data set, whose held-out rows are those of a run: of a large file only the run knows them. */
  const withHeldOut = (): Dataset => {
    const { dataset, large } = opened();
    if (large && !dataset.validation)
      throw new GraftError('data.large_held_out', { file: dataset.parsed.name });
    return dataset;
  };

  const rowsInMemory = (): { train: TokenRows; evaluation: TokenRows | null } => {
    if (opened().large) throw new GraftError('data.needs_memory', { what: opened().dataset.parsed.name });
    const { all, train, evaluation, validation: other } = tokens();
    const held = evaluation.length > 0 ? selectRows(all, evaluation) : null;
    return { train: selectRows(all, train), evaluation: other ?? held };
  };

  return {
    ...projects,
    ...createIntakeService(),
    async connectHub(port) {
      hub.connect(port);
    },

    async openTokenizer(source, vocabulary) {
      // Tokens of another tokenizer must not survive, even if this one can't be opened.
      file?.dataset.forgetTokens();
      vocabSize = vocabulary;
      const files = await tokenizer.open(
        async () => readTokenizerFiles(await folderOf(source, hub)),
        vocabulary,
      );
      tokenizerId = await tokenizerKey(files);
      return files && { fallbackTemplate: files.chatTemplate === null };
    },

    async openDataset(source, onProgress, rowsField) {
      const report = reporter('bytes', onProgress);
      const options = { ...(rowsField !== undefined && { rowsField }), ...encodingOf(source) };
      const read = await sourceOf(source);
      const readable = await readableSource(read, report);
      const large = await LargeRows.open(readable, options, largeFiles);
      file = openFile(large?.sample ?? (await parseDataset(readable, report, options)), large);
      file.dataset.validation = validation?.dataset ?? null;
      bytes = { file: read, copy: source.kind !== 'cached' };
      detach();
      return datasetSummary(file);
    },

    async openValidation(source, onProgress) {
      if (source === null) {
        validation = null;
      } else {
        const read = await sourceOf(source);
        const report = reporter('bytes', onProgress);
        const { dataset } = openFile(
          await parseDataset(await readableSource(read, report), report, encodingOf(source)),
        );
        validation = { dataset, file: read, copy: source.kind !== 'cached' };
      }
      if (file) file.dataset.validation = validation?.dataset ?? null;
      if (!validation) return null;
      const { name, rows, problemCount } = validation.dataset.parsed;
      return { name, rows: rows.length, problemCount };
    },

    async tokenize(request, onProgress) {
      assert(file && vocabSize > 0, 'tokenize before a model and a data file');
      const { dataset } = file;
      const report = reporter('rows', onProgress);
      asked = request;
      const made = await dataset.tokenize(tokenizer, { ...request, vocabSize }, report);
      return tokenizedSummary(dataset, made, tokenizer);
    },

    async mapColumns(mapping) {
      opened().dataset.map(mapping);
      return datasetSummary(opened());
    },
    mappedRows: async (mapping) => mappedRows(opened().dataset, mapping),
    async lint() {
      const { dataset } = opened();
      return findingSummaries(await dataset.lint(tokenizer), dataset.sheet);
    },

    async changeRows(change) {
      const { sheet, findings } = opened().dataset;
      if (opened().large)
        throw new GraftError('data.large_not_changed', { file: opened().dataset.parsed.name });
      switch (change.kind) {
        case 'edit':
          sheet.edit(change.position, change.text);
          break;
        case 'add': {
          const { format } = opened().dataset;
          sheet.add(toJsonText(addedRow(change.messages, format)));
          break;
        }
        case 'exclude':
          sheet.exclude([change.position]);
          break;
        case 'excludeFound': {
          const found = findings.find(({ code }) => code === change.code)?.rows ?? [];
          sheet.exclude(found.map((row) => sheet.positionOf(row)));
          break;
        }
        case 'include':
        case 'restore':
          sheet[change.kind](change.position);
          break;
        case 'undo':
          sheet.undo();
      }
      // The project's own save, which follows, reports a full disk.
      await rowsChanged().catch(() => undefined);
      return sheet.counts;
    },
    rowText: async (position) => opened().dataset.sheet.text(position),
    checkRow: async (position, row, request) =>
      checkedRow(opened().dataset, tokenizer, { ...request, vocabSize }, position, row),
    findRow: async (query, from, direction) => opened().search.find(query, from, direction),
    rowAtLine: async (line) => opened().dataset.sheet.atLine(line),
    changedFile: async () => changedFile(opened().dataset),
    preview: async (position) => previewedRow(opened().dataset, tokens(), tokenizer, position),

    async heldOutPrompts() {
      return heldOutPrompts(withHeldOut());
    },
    heldOutEvaluation: async (settings) => heldOutEvaluation(withHeldOut(), tokenizer, settings),
    fileEvaluation: async (source, settings, mask) =>
      fileEvaluation(await sourceOf(source), tokenizer, {
        ...settings,
        vocabSize,
        mask,
        ...encodingOf(source),
      }),
    readPrompts: async (text) => pastedPrompts(text),
    promptTokens: (prompt) => tokenizer.prompt(prompt),
    chatParts: async () => (tokenizer.hasTokenizer ? tokenizer.chatParts() : null),
    trainedEnds: async () => (tokenizer.hasTokenizer ? tokenizer.trainedEnds() : []),

    async rowShapes() {
      const { all, train, evaluation, validation: other } = tokens();
      const shapes = rowShapes(all);
      const held = evaluation.length > 0 ? selectShapes(shapes, evaluation) : null;
      return { train: selectShapes(shapes, train), evaluation: other ? rowShapes(other) : held };
    },

    async runRows(onProgress) {
      const { dataset, large } = opened();
      if (!large) return rowsInMemory();
      tokens();
      assert(asked, 'rows that have tokens were tokenized');
      const report = reporter('bytes', onProgress);
      return large.tokenize(dataset, { tokenizer, tokenizerId }, { ...asked, vocabSize }, report);
    },
    async stopRows() {
      file?.large?.stop();
    },
    rows: async () => rowsInMemory(),
  };
}

/** The encoding that the user chose for a file; an imported project may name any. */
function encodingOf({ encoding }: DataSource): { encoding?: Encoding } {
  return encoding && encodings.includes(encoding) ? { encoding } : {};
}

/** A project's copy of a data file, under the name that the user knows it by. */
async function keptFile(
  projects: ProjectStore,
  { name, hash }: { name: string; hash: string },
): Promise<ByteSource> {
  return { ...(await projects.file(hash)), name };
}

/** Reports to the page how much of a file is read or tokenized. */
function reporter(
  unit: Progress['unit'],
  onProgress: (progress: Progress) => void,
): (done: number, total: number) => void {
  const report = throttled(onProgress, ({ done, total }) => done >= total);
  return (done, total) => report({ phase: null, done, total, unit });
}
