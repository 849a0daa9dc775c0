/** Words as rouge_score's default tokenizer finds them: runs of a–z and 0–9 in lower case. */
function wordsOf(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}

/** ROUGE-L F1 of rouge_score, without stemming: by the longest common subsequence of words. 0 … 1. */
export function rougeL(answer: string, expected: string): number {
  const [found, right] = [wordsOf(answer), wordsOf(expected)];
  const common = commonSubsequence(found, right);
  if (common === 0) return 0;
  const [precision, recall] = [common / found.length, common / right.length];
  return (2 * precision * recall) / (precision + recall);
}

/** Length of the longest common subsequence. */
function commonSubsequence(a: readonly string[], b: readonly string[]): number {
  let above = new Uint32Array(b.length + 1);
  for (const word of a) {
    const row = new Uint32Array(b.length + 1);
    for (let j = 0; j < b.length; j++)
      row[j + 1] = word === b[j] ? above[j]! + 1 : Math.max(above[j + 1]!, row[j]!);
    above = row;
  }
  return above[b.length]!;
}
