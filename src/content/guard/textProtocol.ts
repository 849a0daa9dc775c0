/** The text worker's API, for the guard. Everything here survives structured cloning. */
import type { ChatParts } from '../data/template/chatParts.ts';
import type { EndTokens } from '../data/labels/turnEnd.ts';
import type { PreviewPiece } from '../data/checks/preview.ts';
import type { RowsRequest } from '../data/dataset/rowTokenizer.ts';
import type { TokenizedDataset } from '../data/tokens/tokenizedDataset.ts';
import type { TokenizerFiles } from '../data/tokenizer/tokenizerFiles.ts';
import type { EndToken } from '../data/labels/turnEnd.ts';
import type { UntrustedProgram } from '../data/template/untrusted.ts';
import type { TemplateMessage } from '../data/rows/conversation.ts';

/** A chat, rendered by the model's template, or a text to continue; an empty one starts from BOS. */
export type Prompt =
  | {
      kind: 'chat';
      messages: readonly TemplateMessage[];
      /** Further template variables, as the recipe has them. */
      templateArgs?: Readonly<Record<string, unknown>>;
    }
  | { kind: 'text'; text: string };

/** A prompt as tokens, and the tokens that end its answer: made in the text worker, where the template runs. */
export interface PromptTokens {
  ids: number[];
  endIds: number[];
}

/** Everything that runs a model's own programs: its chat template and its tokenizer's patterns. */
export interface TextApi {
  /** Opens a model's tokenizer. Throws `data.tokenizer_invalid`, or `data.tokenizer_mismatch` by `vocabSize`. */
  open(files: TokenizerFiles, vocabSize: number): Promise<void>;
  /** Tokenizes rows; possibly none of them can be trained on. */
  tokenize(request: RowsRequest): Promise<TokenizedDataset>;
  /** Tokens as the model sees them. `labels` as in a TokenizedDataset. */
  previewTokens(ids: Int32Array, labels: Int32Array): Promise<PreviewPiece[]>;
  /** The request's only row as the model sees it: the tokenized rows it becomes. */
  previewRow(request: RowsRequest): Promise<PreviewPiece[][]>;
  /** What the tokenizer says about the ends of texts. */
  endTokens(): Promise<EndTokens>;
  /** The tokens that training teaches to end answers with. */
  trainedEnds(): Promise<EndToken[]>;
  /** What the template writes around messages; null where that is no fixed text. */
  chatParts(): Promise<ChatParts | null>;
  /** Token ids of a prompt, up to where the model is to answer, and where its answer ends. */
  prompt(prompt: Prompt): Promise<PromptTokens>;
  /** Token ids of texts, with the special tokens that the tokenizer adds. */
  encode(texts: readonly string[]): Promise<number[][]>;
}

/** A heartbeat of the text worker: which program runs next, on what. Sent beside comlink's messages. */
export interface Beat {
  beat: {
    program: UntrustedProgram | null;
    /** Length of the program's input in UTF-16 units. */
    length: number;
    /** Line of the data file; 0 outside of one. */
    line: number;
  };
}
