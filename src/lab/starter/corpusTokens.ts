import { labelTokens } from '../../content/data/labels/mask.ts';
import type { Tokenizer } from '../../content/data/tokenizer/tokenizer.ts';
import { trainBpe, type Bpe } from './bpe.ts';
import type { CorpusRow } from './world/corpus.ts';

/** Size of the vocabulary without special tokens: 1280 with them. */
const vocabulary = 1277;

/** Rows from which the vocabulary is learned. */
const rowsForVocabulary = 20_000;

/** The vocabulary of the starter model, learned from the corpus. */
export function starterBpe(rows: readonly CorpusRow[]): Bpe {
  const texts = rows
    .slice(0, rowsForVocabulary)
    .flatMap((row) =>
      'text' in row ? [row.text] : row.messages.flatMap(({ role, content }) => [`${role}\n`, content]),
    );
  return trainBpe(texts, vocabulary);
}

/**
 * Rows as a data file of tokens and labels. Answers are always trained; in every eighth chat the questions are too, so
 * that the model also learns their language, although they are unpredictable.
 */
export function corpusLines(tokenizer: Tokenizer, rows: readonly CorpusRow[]): string {
  const lines = rows.map((row, i) => {
    const { ids, labels } = labelTokens(tokenizer, row, { mask: i % 8 === 0 ? 'all' : 'assistant' });
    return `{"input_ids":[${ids.join()}],"labels":[${labels.join()}]}\n`;
  });
  return lines.join('');
}
