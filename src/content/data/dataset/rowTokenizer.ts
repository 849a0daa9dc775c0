import type { Row } from '../files/row.ts';
import type { Reading } from '../../../base/config/reading.ts';
import { lintEnds, type EndTokens } from '../labels/turnEnd.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { tokenizeRows, type TokenizeDatasetOptions } from '../tokens/tokenize.ts';
import type { TokenizedDataset } from '../tokens/tokenizedDataset.ts';

/** Rows of a data file, and how they become tokens. Survives structured cloning. */
export interface RowsRequest
  extends Reading, Required<Pick<TokenizeDatasetOptions, 'format' | 'maxLength' | 'vocabSize' | 'now'>> {
  /** The file's name, for messages. */
  name: string;
  rows: Row[];
}

/** A model's tokenizer and chat template, in this thread or in a worker. */
export interface RowTokenizer {
  /** False for a model without a tokenizer, which trains on pre-tokenized rows only. */
  readonly hasTokenizer: boolean;
  /** Source of the chat template; null without one. */
  readonly chatTemplate: string | null;
  /** Throws as `tokenizeRows` does. */
  tokenize(
    request: RowsRequest,
    onProgress: (done: number, total: number) => void,
  ): Promise<TokenizedDataset>;
  /** What the tokenizer says about the ends of texts. Only where there is one. */
  endTokens(): Promise<EndTokens>;
  /** The same in a worker of its own, to be used at the same time and then ended. Only of tokenizers in workers. */
  another?(): RowTokenizer & { end(): void };
}

/** A tokenizer in this thread; null for a model without one. */
export function localTokenizer(tokenizer: Tokenizer | null): RowTokenizer {
  return {
    hasTokenizer: tokenizer !== null,
    chatTemplate: tokenizer?.chatTemplate ?? null,
    tokenize: async ({ name, rows, ...options }, onProgress) =>
      tokenizeRows({ name, rows }, { ...options, tokenizer, onProgress }),
    async endTokens() {
      if (!tokenizer) throw new Error('internal: end tokens without a tokenizer');
      return lintEnds(tokenizer);
    },
  };
}

/** Tokens of rows. Pre-tokenized rows run no program of the model, so they are read in this thread. */
export async function tokensOf(
  tokenizer: RowTokenizer,
  request: RowsRequest,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<TokenizedDataset> {
  const local = request.format === 'tokenized' || !tokenizer.hasTokenizer;
  return (local ? localTokenizer(null) : tokenizer).tokenize(request, onProgress);
}
