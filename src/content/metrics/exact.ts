/** Python's `string.punctuation`. */
const PUNCTUATION = /[!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]/g;

/**
 * A text as SQuAD's evaluation compares it: lower case, without ASCII punctuation and the articles a, an and the, with
 * single spaces.
 */
export function normalizedAnswer(text: string): string {
  const bare = text.toLowerCase().replace(PUNCTUATION, '');
  return bare
    .replace(/(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu, ' ')
    .split(/\s+/u)
    .filter((word) => word !== '')
    .join(' ');
}

/** 1 where both texts are equal once normalized (SQuAD's exact match), else 0. */
export function exactMatch(answer: string, expected: string): number {
  return Number(normalizedAnswer(answer) === normalizedAnswer(expected));
}

/** 1 where the answer, normalized, has the expected text, normalized, in it. */
export function containsExpected(answer: string, expected: string): number {
  return Number(normalizedAnswer(answer).includes(normalizedAnswer(expected)));
}
