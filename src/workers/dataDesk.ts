import { parseDataset, type ParsedDataset } from '../data/parse.ts';
import { detectFormat, type DataFormat } from '../data/formats.ts';
import { rowShapes, selectShapes } from '../data/rowShapes.ts';
import { splitRows } from '../data/split.ts';
import { previewRow, rowLengths, tokenizeDataset, type TokenizedDataset } from '../data/tokenize.ts';
import { readTokenizerFiles } from '../data/tokenizerFiles.ts';
import { countTrainedTokens, selectRows } from '../data/tokenRows.ts';
import { assert, GraftError } from '../lib/errors.ts';
import type { DataApi, PreviewPiece, RowProblem, TokenizedSummary } from './dataProtocol.ts';
import type { Progress } from './protocol.ts';
import { createHubLink } from './hubLink.ts';
import type { Throwing } from './result.ts';
import { dataSourceOf, folderOf } from './sourceFolder.ts';
import { TextGuard } from './textGuard.ts';
import type { WorkerLike } from './workerClient.ts';

/** How many problems travel to the page: it lists the first, and tells how many there are. */
const LISTED_PROBLEMS = 50;
/** How many characters of a row are shown: a book is not read in a preview. */
const PREVIEW_CHARACTERS = 20_000;

/** Most bars of the histogram. */
const BINS = 32;

/**
 * What the data worker does: holds one parsed data file and its tokens, and watches over the text worker, which
 * runs the model's template and tokenizer. Opening another data file that fails leaves the one of before.
 * @param startText makes the text worker
 */
export function createDataDesk(startText: () => WorkerLike): Throwing<DataApi> {
  const hub = createHubLink();
  const text = new TextGuard(startText);
  let vocabSize = 0;
  let parsed: { dataset: ParsedDataset; format: DataFormat } | null = null;
  let tokenized: { all: TokenizedDataset; trainRows: number[]; evalRows: number[] } | null = null;

  return {
    async connectHub(port) {
      hub.connect(port);
      return null;
    },

    async openTokenizer(source, vocabulary) {
      // Tokens of another tokenizer must not survive, whatever comes of this one.
      tokenized = null;
      vocabSize = vocabulary;
      const files = await text.open(async () => readTokenizerFiles(await folderOf(source, hub)), vocabulary);
      return files && { fallbackTemplate: files.chatTemplate === null };
    },

    async openDataset(source, onProgress) {
      const report = reporter('', 'bytes', onProgress);
      const dataset = await parseDataset(await dataSourceOf(source), report);
      const format = detectFormat(dataset.rows, dataset.name);
      parsed = { dataset, format };
      tokenized = null;
      return {
        name: dataset.name,
        format,
        rows: dataset.rows.length,
        problems: listed(dataset.problems),
        problemCount: dataset.problemCount,
      };
    },

    async tokenize({ mask, maxLength, evalFraction, seed }, onProgress) {
      assert(parsed && vocabSize > 0, 'tokenize before a model and a data file');
      tokenized = null;
      const { dataset, format } = parsed;
      const options = { format, mask, maxLength, vocabSize };
      const report = reporter('', 'rows', onProgress);
      // Rows of tokens run no program of the model. One date for all rows, even when midnight passes.
      const all =
        format === 'tokenized' || !text.hasTokenizer
          ? tokenizeDataset(dataset, { ...options, tokenizer: null, onProgress: report })
          : await text.tokenize(
              { ...options, name: dataset.name, rows: dataset.rows, now: new Date() },
              report,
            );
      const { train, eval: kept } = splitRows(all.lines.length, evalFraction, seed);
      tokenized = { all, trainRows: train, evalRows: kept };
      return summaryOf(all, train, kept);
    },

    async preview(index) {
      const row = tokenized?.trainRows[index];
      if (!tokenized || row === undefined) throw new GraftError('train.no_rows');
      const { all } = tokenized;
      const [start, end] = [all.offsets[row]!, all.offsets[row + 1]!];
      const pieces = text.hasTokenizer
        ? await text.preview(all.ids.slice(start, end), all.labels.slice(start, end))
        : previewRow(all, row, null);
      return { line: all.lines[row]!, tokens: end - start, pieces: shortened(pieces) };
    },

    promptIds: (prompt) => text.prompt(prompt),

    async rowShapes() {
      if (!tokenized) throw new GraftError('train.no_rows');
      const { all, trainRows, evalRows } = tokenized;
      const shapes = rowShapes(all);
      return {
        train: selectShapes(shapes, trainRows),
        evaluation: evalRows.length > 0 ? selectShapes(shapes, evalRows) : null,
      };
    },

    async rows() {
      if (!tokenized) throw new GraftError('train.no_rows');
      const { all, trainRows, evalRows } = tokenized;
      return {
        train: selectRows(all, trainRows),
        evaluation: evalRows.length > 0 ? selectRows(all, evalRows) : null,
      };
    },
  };
}

function summaryOf(all: TokenizedDataset, trainRows: number[], evalRows: number[]): TokenizedSummary {
  const train = selectRows(all, trainRows);
  const lengths = rowLengths(train);
  return {
    rows: trainRows.length,
    evalRows: evalRows.length,
    tokens: train.ids.length,
    trainedTokens: countTrainedTokens(train),
    truncatedRows: all.truncated,
    truncatedTokens: all.truncatedTokens,
    longest: lengths.reduce((longest, length) => Math.max(longest, length), 0),
    histogram: histogramOf(lengths),
    problems: listed(all.problems),
    problemCount: all.problemCount,
  };
}

/** Rows by length from the shortest to the longest, in bins of equally many lengths. */
function histogramOf(lengths: Uint32Array): TokenizedSummary['histogram'] {
  const shortest = lengths.reduce((least, length) => Math.min(least, length), Infinity);
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  const width = Math.max(1, Math.ceil((longest - shortest + 1) / BINS));
  const bins = Array.from({ length: Math.ceil((longest - shortest + 1) / width) }, (_, i) => ({
    from: shortest + i * width,
    to: Math.min(longest, shortest + (i + 1) * width - 1),
    rows: 0,
  }));
  for (const length of lengths) bins[Math.floor((length - shortest) / width)]!.rows++;
  return bins;
}

function listed(problems: readonly RowProblem[]): RowProblem[] {
  return problems.slice(0, LISTED_PROBLEMS).map(({ line, message }) => ({ line, message }));
}

function shortened(pieces: readonly PreviewPiece[]): PreviewPiece[] {
  const shown: PreviewPiece[] = [];
  let left = PREVIEW_CHARACTERS;
  for (const { text, trained } of pieces) {
    if (left <= 0) break;
    shown.push({ text: text.length > left ? `${text.slice(0, left)}…` : text, trained });
    left -= text.length;
  }
  return shown;
}

/** Progress at most about ten times a second: each report is a message to the page. */
function reporter(
  phase: string,
  unit: Progress['unit'],
  onProgress: (progress: Progress) => void,
): (done: number, total: number) => void {
  let last = 0;
  return (done, total) => {
    const now = performance.now();
    if (done < total && now - last < 100) return;
    last = now;
    onProgress({ phase, done, total, unit });
  };
}
