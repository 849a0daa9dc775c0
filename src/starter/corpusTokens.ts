import { labelTokens } from '../data/mask.ts';
import type { Tokenizer } from '../data/tokenizer.ts';
import { trainBpe, type Bpe } from './bpe.ts';
import type { CorpusRow } from './world/corpus.ts';

/** Tokens of the vocabulary without the special ones: with them they are 1280. */
const vocabulary = 1277;

/** Rows the vocabulary is learned from. */
const rowsForVocabulary = 20_000;

/** The vocabulary of the starter model: words of the corpus. */
export function starterBpe(rows: readonly CorpusRow[]): Bpe {
  const texts = rows
    .slice(0, rowsForVocabulary)
    .flatMap((row) =>
      'text' in row ? [row.text] : row.messages.flatMap(({ role, content }) => [`${role}\n`, content]),
    );
  return trainBpe(texts, vocabulary);
}

/**
 * Rows as a data file of tokens and labels. Answers are always trained; of every eighth chat the questions too, so that
 * the model learns the language as well, though nobody can foresee what will be asked.
 */
export function corpusLines(tokenizer: Tokenizer, rows: readonly CorpusRow[]): string {
  const lines = rows.map((row, i) => {
    const { ids, labels } = labelTokens(tokenizer, row, { mask: i % 8 === 0 ? 'all' : 'assistant' });
    return `{"input_ids":[${ids.join()}],"labels":[${labels.join()}]}\n`;
  });
  return lines.join('');
}
