import { parseDataset } from '../data/parse.ts';
import { rowShapes, selectShapes } from '../data/rowShapes.ts';
import { rowLengths } from '../data/tokenize.ts';
import { readTokenizerFiles } from '../data/tokenizerFiles.ts';
import { countTrainedTokens, selectRows } from '../data/tokenRows.ts';
import { assert, GraftError } from '../lib/errors.ts';
import type { DataApi, TokenizedSummary } from './dataProtocol.ts';
import type { Progress } from './protocol.ts';
import { createHubLink } from './hubLink.ts';
import { OpenData, type OpenTokens } from './openData.ts';
import type { Throwing } from './result.ts';
import { dataSourceOf, folderOf } from './sourceFolder.ts';
import { TextGuard } from './textGuard.ts';
import type { WorkerLike } from './workerClient.ts';

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
  let data: OpenData | null = null;

  const opened = (): OpenData => {
    assert(data, 'no data file is open');
    return data;
  };
  const tokensOf = (): OpenTokens => {
    if (!data?.tokens) throw new GraftError('train.no_rows');
    return data.tokens;
  };

  return {
    async connectHub(port) {
      hub.connect(port);
      return null;
    },

    async openTokenizer(source, vocabulary) {
      // Tokens of another tokenizer must not survive, whatever comes of this one.
      data?.forgetTokens();
      vocabSize = vocabulary;
      const files = await text.open(async () => readTokenizerFiles(await folderOf(source, hub)), vocabulary);
      return files && { fallbackTemplate: files.chatTemplate === null };
    },

    async openDataset(source, onProgress, rowsField) {
      const report = reporter('bytes', onProgress);
      const dataset = await parseDataset(
        await dataSourceOf(source),
        report,
        rowsField === undefined ? {} : { rowsField },
      );
      data = new OpenData(dataset);
      return data.summary();
    },

    async tokenize(options, onProgress) {
      assert(data && vocabSize > 0, 'tokenize before a model and a data file');
      const tokens = await data.tokenize(text, vocabSize, options, reporter('rows', onProgress));
      return { ...summaryOf(tokens, data), unused: data.unused(text) };
    },

    async mapColumns(mapping) {
      opened().map(mapping);
      return opened().summary();
    },
    mappedRows: async (mapping) => opened().mapped(mapping),
    lint: async () => opened().lint(text),
    async changeRows(change) {
      const { sheet } = opened();
      switch (change.kind) {
        case 'edit':
          sheet.edit(change.position, change.text);
          break;
        case 'exclude':
          sheet.exclude([change.position]);
          break;
        case 'excludeFound':
          opened().excludeFound(change.code);
          break;
        case 'include':
        case 'restore':
          sheet[change.kind](change.position);
          break;
        case 'undo':
          sheet.undo();
      }
      return sheet.counts;
    },
    rowText: async (position) => opened().sheet.text(position),
    checkRow: async (position, row, options) => opened().check(text, vocabSize, options, position, row),
    findRow: async (query, from, direction) => opened().find(query, from, direction),
    rowAtLine: async (line) => opened().sheet.atLine(line),
    changedFile: async () => opened().changedFile(),

    async preview(position) {
      tokensOf();
      return opened().preview(text, vocabSize, position);
    },

    promptTokens: (prompt) => text.prompt(prompt),
    trainedEnds: async () => (text.hasTokenizer ? text.trainedEnds() : []),

    async rowShapes() {
      const { all, trainRows, evalRows } = tokensOf();
      const shapes = rowShapes(all);
      return {
        train: selectShapes(shapes, trainRows),
        evaluation: evalRows.length > 0 ? selectShapes(shapes, evalRows) : null,
      };
    },

    async rows() {
      const { all, trainRows, evalRows } = tokensOf();
      return {
        train: selectRows(all, trainRows),
        evaluation: evalRows.length > 0 ? selectRows(all, evalRows) : null,
      };
    },
  };
}

function summaryOf(
  { all, trainRows, evalRows }: OpenTokens,
  data: OpenData,
): Omit<TokenizedSummary, 'unused'> {
  const train = selectRows(all, trainRows);
  const lengths = rowLengths(train);
  const problems = data.problems();
  return {
    rows: trainRows.length,
    evalRows: evalRows.length,
    tokens: train.ids.length,
    trainedTokens: countTrainedTokens(train),
    truncatedRows: all.truncated,
    truncatedTokens: all.truncatedTokens,
    longest: lengths.reduce((longest, length) => Math.max(longest, length), 0),
    histogram: histogramOf(lengths),
    problems: problems.listed,
    problemCount: problems.count,
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

/** Progress at most about ten times a second: each report is a message to the page. */
function reporter(
  unit: Progress['unit'],
  onProgress: (progress: Progress) => void,
): (done: number, total: number) => void {
  let last = 0;
  return (done, total) => {
    const now = performance.now();
    if (done < total && now - last < 100) return;
    last = now;
    onProgress({ phase: null, done, total, unit });
  };
}
