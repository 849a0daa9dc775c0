import { previewRow, tokenizeRows } from '../data/tokenize.ts';
import { rowPreview } from '../data/rowPreview.ts';
import { chatPrompt, textPrompt } from '../data/prompt.ts';
import { checkIdsFit, checkTokenizerFits, createTokenizer, type Tokenizer } from '../data/tokenizer.ts';
import { lintEnds, stopIds, trainedEnds } from '../data/turnEnd.ts';
import { onUntrusted, type UntrustedProgram } from '../data/untrusted.ts';
import { assert } from '../lib/errors.ts';
import type { Throwing } from './result.ts';
import type { Beat, TextApi } from './textProtocol.ts';

/**
 * What the text worker does: runs a model's template and its tokenizer's patterns. It holds nothing that is not
 * elsewhere too, so that it can be ended at any moment, and says by `post` what it is about to run.
 */
export function createTextDesk(post: (beat: Beat) => void): Throwing<TextApi> {
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
      return null;
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
    preview: async (ids, labels) =>
      previewRow({ ids, labels, offsets: Uint32Array.of(0, ids.length) }, 0, opened()),
    look: async ({ rows, ...options }) => rowPreview(opened(), rows[0]!, options),
    async endTokens() {
      return lintEnds(opened());
    },
    async trainedEnds() {
      return trainedEnds(opened());
    },
    async prompt(prompt) {
      const isText = prompt.kind === 'text';
      const ids = isText
        ? textPrompt(opened(), prompt.text)
        : chatPrompt(opened(), prompt.messages, prompt.templateArgs);
      checkIdsFit(opened(), ids, vocabRows);
      return { ids, endIds: isText ? [...opened().eosIds] : stopIds(opened()) };
    },
  };
}
