/** Character n-grams up to this length, and how much more recall counts than precision: chrF2. */
const ORDER = 6;
const BETA = 2;

/** chrF2 of sacrebleu for one answer (its sentence score), 0 … 100: F of character n-grams, white space left out. */
export function chrf(answer: string, expected: string): number {
  const [found, right] = [charactersOf(answer), charactersOf(expected)];
  let [precision, recall, orders] = [0, 0, 0];
  for (let n = 1; n <= ORDER; n++) {
    const [inFound, inRight] = [ngrams(found, n), ngrams(right, n)];
    const [total, wanted] = [found.length - n + 1, right.length - n + 1];
    // Only lengths that both have count.
    if (total <= 0 || wanted <= 0) continue;
    let matches = 0;
    for (const [gram, times] of inFound) matches += Math.min(times, inRight.get(gram) ?? 0);
    precision += matches / total;
    recall += matches / wanted;
    orders += 1;
  }
  if (precision + recall === 0) return 0;
  precision /= orders;
  recall /= orders;
  const factor = BETA * BETA;
  return (100 * (1 + factor) * precision * recall) / (factor * precision + recall);
}

function charactersOf(text: string): string[] {
  return Array.from(text.replace(/\s+/gu, ''));
}

function ngrams(characters: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= characters.length; i++) {
    const gram = characters.slice(i, i + n).join('');
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}
