import { parseDataset } from '../data/parse.ts';
import type { LabelMask } from '../data/mask.ts';
import { tokenizeDataset, type TokenizedDataset } from '../data/tokenize.ts';
import type { Tokenizer } from '../data/tokenizer.ts';
import { nodeSource } from '../storage/nodeFolder.ts';

/** Reads and tokenizes a data file of the file system; rows left out are told on stderr by line. */
export async function readDataset(
  path: string,
  options: { tokenizer: Tokenizer | null; mask: LabelMask; maxLength: number; vocabSize: number },
): Promise<TokenizedDataset> {
  const parsed = await parseDataset(await nodeSource(path));
  const dataset = tokenizeDataset(parsed, options);
  for (const { message } of [...parsed.problems, ...dataset.problems]) console.error(message);
  if (dataset.truncated > 0) {
    console.error(
      `${dataset.truncated} rows were cut to ${options.maxLength} tokens (${dataset.truncatedTokens} tokens lost).`,
    );
  }
  return dataset;
}
