import type { Folder } from '../../base/storage/types.ts';
import { readTokenizerFiles } from '../../content/data/tokenizer/tokenizerFiles.ts';
import { TextGuard } from '../../content/guard/textGuard.ts';
import { startText } from './startText.ts';

/**
 * Runs `work` with a model's template and tokenizer in a thread of their own, which then ends. A folder without a
 * tokenizer starts none. Throws as {@link TextGuard.open} does.
 * @param vocabSize rows of the model's embedding; by default the tokenizer is not compared with it
 */
export async function withText<T>(
  folder: Folder,
  work: (text: TextGuard) => Promise<T>,
  vocabSize = Infinity,
): Promise<T> {
  const text = new TextGuard(startText);
  try {
    await text.open(() => readTokenizerFiles(folder), vocabSize);
    return await work(text);
  } finally {
    text.end();
  }
}
