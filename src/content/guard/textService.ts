import { previewRow } from '../data/checks/preview.ts';
import { tokenizeRows } from '../data/tokens/tokenize.ts';
import { rowPreview } from '../data/checks/rowPreview.ts';
import { chatParts } from '../data/template/chatParts.ts';
import { chatPrompt, textPrompt } from '../data/template/prompt.ts';
import {
  checkIdsFit,
  checkTokenizerFits,
  createTokenizer,
  type Tokenizer,
} from '../data/tokenizer/tokenizer.ts';
import { lintEnds, stopIds, trainedEnds } from '../data/labels/turnEnd.ts';
import { onUntrusted, type UntrustedProgram } from '../data/template/untrusted.ts';
import { assert } from '../../base/lib/errors.ts';
import type { Beat, TextApi } from './textProtocol.ts';

/**
 * The text worker: runs a model's template and its tokenizer's patterns. It can be ended at any moment, since all its state
 * exists elsewhere, too. @param post sends a heartbeat before each program runs
 */
export function createTextService(post: (beat: Beat) => void): TextApi {
  let tokenizer: Tokenizer | null = null;
  /** Rows of the model's embedding. */
  let vocabRows = 0;
  let line = 0;
  const beat = (program: UntrustedProgram | null, length: number) =>
    post({ beat: { program, length, line } });
  onUntrusted(beat);

  const opened = (): Tokenizer => {
    assert(tokenizer, 'the text worker has no tokenizer');
    return tokenizer;
  };

  return {
    async open(files, vocabSize) {
      tokenizer = null;
      const created = createTokenizer(files);
      checkTokenizerFits(created, vocabSize);
      tokenizer = created;
      vocabRows = vocabSize;
    },
    async tokenize({ name, rows, ...options }) {
      const onRow = (next: number) => {
        line = next;
        beat(null, 0);
      };
      try {
        return tokenizeRows({ name, rows }, { ...options, tokenizer: opened(), onRow });
      } finally {
        line = 0;
      }
    },
    previewTokens: async (ids, labels) =>
      previewRow({ ids, labels, offsets: Uint32Array.of(0, ids.length) }, 0, opened()),
    previewRow: async ({ rows, ...options }) => rowPreview(opened(), rows[0]!, options),
    async endTokens() {
      return lintEnds(opened());
    },
    async trainedEnds() {
      return trainedEnds(opened());
    },
    async chatParts() {
      return chatParts(opened());
    },
    async prompt(prompt) {
      const isText = prompt.kind === 'text';
      const ids = isText
        ? textPrompt(opened(), prompt.text)
        : chatPrompt(opened(), prompt.messages, prompt.templateArgs);
      checkIdsFit(opened(), ids, vocabRows);
      return { ids, endIds: isText ? [...opened().eosIds] : stopIds(opened()) };
    },
    async encode(texts) {
      const all = texts.map((text) => opened().encode(text));
      for (const ids of all) checkIdsFit(opened(), ids, vocabRows);
      return all;
    },
  };
}
