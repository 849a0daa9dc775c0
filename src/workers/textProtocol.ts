/** What the data worker and the text worker say to each other. Everything here survives structured cloning. */
import type { EndTokens } from '../data/lint.ts';
import type { Reading } from '../data/reading.ts';
import type { Row } from '../data/row.ts';
import type { PreviewPiece, TokenizedDataset, TokenizeOptions } from '../data/tokenize.ts';
import type { TokenizerFiles } from '../data/tokenizerFiles.ts';
import type { EndToken } from '../data/turnEnd.ts';
import type { UntrustedProgram } from '../data/untrusted.ts';
import type { Prompt, PromptTokens, Result } from './protocol.ts';

/** Rows of a data file, and how to make tokens of them. */
export interface RowsRequest
  extends Reading, Required<Pick<TokenizeOptions, 'format' | 'maxLength' | 'vocabSize' | 'now'>> {
  name: string;
  rows: Row[];
}

/** Everything that runs a model's own programs: its chat template and its tokenizer's patterns. */
export interface TextApi {
  /** Takes the tokenizer of a model. Throws `data.tokenizer_invalid`, or `data.tokenizer_mismatch` by `vocabSize`. */
  open(files: TokenizerFiles, vocabSize: number): Promise<Result<null>>;
  /** Tokens of some rows; none may be left. */
  tokenize(request: RowsRequest): Promise<Result<TokenizedDataset>>;
  /** Tokens as the model sees them. `labels` as in a TokenizedDataset. */
  preview(ids: Int32Array, labels: Int32Array): Promise<Result<PreviewPiece[]>>;
  /** The one row of the request as the model sees it: the rows that it becomes. */
  look(request: RowsRequest): Promise<Result<PreviewPiece[][]>>;
  /** What the tokenizer says about the ends of texts. */
  endTokens(): Promise<Result<EndTokens>>;
  /** The tokens that training teaches to end answers with. */
  trainedEnds(): Promise<Result<EndToken[]>>;
  /** Token ids of a prompt, up to where the model is to answer, and where its answer ends. */
  prompt(prompt: Prompt): Promise<Result<PromptTokens>>;
}

/** A sign of life of the text worker: which program runs next, on what. A message of its own, beside Comlink's. */
export interface Beat {
  beat: {
    program: UntrustedProgram | null;
    /** UTF-16 units that the program is given. */
    length: number;
    /** Line of the data file; 0 outside of one. */
    line: number;
  };
}
