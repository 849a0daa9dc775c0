import { GraftError } from '../../../base/lib/errors.ts';
import { PythonRandom } from '../../../base/lib/pythonRandom.ts';
import type { ChoiceRow } from './choiceRow.ts';

/** Examples before each question. */
export interface ShotSettings {
  /** How many. */
  shots: number;
  /** Of what is drawn; the harness's default is 1234. */
  seed?: number;
}

/** What the harness seeds its draws with by default (`fewshot_random_seed`). */
export const SHOTS_SEED = 1234;

/**
 * Questions after examples, chosen as lm-evaluation-harness does for tasks of their layout: for ARC's drawn anew for each
 * question, for MMLU's the first ones. Each is a question with its right choice, and an empty line.
 * @param pool what they are taken from
 * @param isOwn whether the questions are of the pool: none is an example for itself
 * Throws `data.too_few_shots`.
 */
export function withShots(
  questions: readonly ChoiceRow[],
  pool: readonly ChoiceRow[],
  { shots, seed = SHOTS_SEED }: ShotSettings,
  { isOwn, file }: { isOwn: boolean; file: string },
): ChoiceRow[] {
  if (shots === 0) return [...questions];
  const random = new PythonRandom(seed);
  return questions.map((row) => {
    const others = isOwn ? pool.filter((one) => !isSame(one, row)) : pool;
    const wanted = row.lettered ? shots : shots + Number(isOwn);
    if (others.length < shots || pool.length < wanted)
      throw new GraftError('data.too_few_shots', { shots, rows: others.length, file, line: row.line });
    return { ...row, context: row.intro + examplesFor(row, others).map(exampleText).join('') + row.question };
  });

  function examplesFor(row: ChoiceRow, others: readonly ChoiceRow[]): ChoiceRow[] {
    if (row.lettered) return others.slice(0, shots);
    // One more, so that as many are left without the question itself.
    const drawn = random.sample(pool.length, shots + Number(isOwn)).map((at) => pool[at]!);
    if (!isOwn) return drawn;
    const left = drawn.filter((one) => !isSame(one, row)).slice(0, shots);
    // The question is there several times: drawn again, from the others.
    if (left.length < shots) return random.sample(others.length, shots).map((at) => others[at]!);
    return left;
  }
}

function exampleText({ question, continuations, gold }: ChoiceRow): string {
  return `${question}${continuations[gold]!}\n\n`;
}

function isSame(a: ChoiceRow, b: ChoiceRow): boolean {
  const text = ({ intro, question, continuations, gold }: ChoiceRow) =>
    JSON.stringify([intro, question, continuations, gold]);
  return a === b || text(a) === text(b);
}
