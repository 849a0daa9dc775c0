import type { Problem } from '../files/problems.ts';
import type { Row } from '../files/row.ts';
import { rowsToTokenize, indicesByRow, withKnownTokens, type KnownTokens } from '../tokens/retokenize.ts';
import { tokenizeRows } from '../tokens/tokenize.ts';
import type { TokenizedDataset } from '../tokens/tokenizedDataset.ts';
import { tokensOf, type RowsRequest, type RowTokenizer } from './rowTokenizer.ts';

/** What rows were last tokenized to, and how. */
interface Tokenized extends KnownTokens {
  /** Equal for requests that differ in rows only. */
  key: string;
  /** The date their template saw. */
  now: Date;
  /** For each row, which rows of `dataset` it became. */
  rowsOf: Map<Row, number[]>;
}

/** The tokens of a data file's rows. After an edit only that row is tokenized again. */
export class TokenCache {
  #last: Tokenized | null = null;

  /** The date templates see: that of the last tokens, which are not made again when midnight passes. */
  get now(): Date {
    return this.#last?.now ?? new Date();
  }

  /**
   * Tokens of the request's rows; those of earlier ones that were tokenized in the same way are reused.
   * Throws as `tokenizeRows` does.
   */
  async update(
    tokenizer: RowTokenizer,
    request: Omit<RowsRequest, 'now'>,
    onProgress: (done: number, total: number) => void,
  ): Promise<TokenizedDataset> {
    const { rows, name: _, ...how } = request;
    const key = JSON.stringify(how);
    const known = this.#last?.key === key ? this.#last : null;
    const now = known?.now ?? new Date();
    const missing = rowsToTokenize(rows, known);
    const fresh =
      missing.length === 0
        ? noTokens
        : await tokensOf(tokenizer, { ...request, now, rows: missing }, onProgress);
    const dataset = withKnownTokens(rows, known, fresh);
    this.#last = { key, now, rows, dataset, rowsOf: indicesByRow({ dataset, rows }) };
    return dataset;
  }

  /** Forgets the tokens: they are another tokenizer's. */
  clear(): void {
    this.#last = null;
  }

  /** Which tokenized rows a row became: one, or one for each turn; none where it can't be trained on. */
  tokenizedRows(row: Row): readonly number[] {
    return this.#last?.rowsOf.get(row) ?? [];
  }

  /** The row that a problem of the last tokens is about. */
  rowOf({ row }: Problem): Row | null {
    return row === undefined ? null : (this.#last?.rows[row] ?? null);
  }

  /** Why a row can't be trained on; null where it can, or is not among the first problems. */
  problemOf(row: Row): Problem | null {
    return this.#last?.dataset.problems.find((problem) => this.rowOf(problem) === row) ?? null;
  }
}

const noTokens: TokenizedDataset = tokenizeRows(
  { name: '', rows: [] },
  { format: 'tokenized', tokenizer: null, maxLength: 1, vocabSize: 1 },
);
