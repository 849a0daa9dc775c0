import { describe, expect, test } from 'vitest';
import { nodeFolder } from '../../../base/storage/nodeFolder.ts';
import { needShared, sharedPath } from '../../../testing/shared.ts';
import { loadTokenizer } from './tokenizer.ts';

/** Real-world inputs, with the ids and text of Python's `tokenizers` 0.23. */
const CASES: [string, string, number[]][] = [
  ['30-unigram-byte-fallback', 'hello\nworld', [260, 13, 122, 114, 117, 111, 103]],
  ['30-unigram-byte-fallback', 'hello 🍣', [260, 259, 243, 162, 144, 166]],
  ['30-unigram-byte-fallback', 'aéb', [259, 262, 198, 172, 263]],
  [
    '31-split-mergedwithnext',
    'the cat and the dog in 2024',
    [86, 262, 271, 268, 284, 266, 300, 717, 298, 992, 1320],
  ],
  [
    '31-split-mergedwithprevious',
    'the cat and the dog in 2024',
    [86, 262, 223, 69, 268, 223, 623, 223, 86, 262, 223, 70, 717, 223, 261, 223, 20, 18, 1320],
  ],
  [
    '32-split-isolated-invert',
    'Hello, world! 42 cats',
    [42, 904, 81, 14, 223, 89, 286, 480, 3, 1010, 20, 223, 69, 268, 85],
  ],
  ['34-digits-beyond-ascii', '4 ½ months', [22, 223, 346, 223, 79, 81, 80, 86, 74, 85]],
  ['34-digits-beyond-ascii', '10 m²', [19, 18, 223, 79, 345]],
  ['34-digits-beyond-ascii', '٣٤ and １２', [152, 99, 152, 100, 316, 223, 174, 123, 242, 174, 123, 243]],
];

describe('cases from the field', () => {
  test.for(CASES)('%s: %s', async ([name, text, ids], context) => {
    needShared(context, 'cases');
    const tokenizer = await loadTokenizer(nodeFolder(sharedPath(`cases/${name}`)));
    expect(tokenizer!.encode(text, { addSpecialTokens: false })).toEqual(ids);
    expect(tokenizer!.decode(ids)).toBe(text);
  });
});
