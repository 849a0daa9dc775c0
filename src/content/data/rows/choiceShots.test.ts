import { describe, expect, it } from 'vitest';
import { expectGraftError } from '../../../testing/errors.ts';
import { choiceRow, type ChoiceRow } from './choiceRow.ts';
import { withShots } from './choiceShots.ts';

const read = (value: Record<string, unknown>, line: number) => choiceRow({ value, line } as never, 'a.jsonl');
const arc = (name: string, line = 1) =>
  read({ question: name, choices: { text: ['yes', `no ${name}`], label: ['A', 'B'] }, answerKey: 'B' }, line);
const mmlu = (name: string) => read({ question: name, choices: ['1', '2'], answer: 0, subject: 'sums' }, 1);

const contexts = (rows: readonly ChoiceRow[]) => rows.map(({ context }) => context);
const own = { isOwn: true, file: 'a.jsonl' };
const other = { isOwn: false, file: 'b.jsonl' };

describe('examples before questions', () => {
  it('are none by default', () => {
    expect(withShots([arc('a')], [], { shots: 0 }, own)).toEqual([arc('a')]);
  });

  it('of ARC are drawn as Python draws them, with right answers', () => {
    const pool = Array.from({ length: 10 }, (_, i) => arc(`q${i}`));
    // random.Random(1234).sample(range(10), 3): 7, 1, 0, then 1, 0, 9.
    const [first, second] = contexts(withShots([arc('a'), arc('b')], pool, { shots: 3 }, other));
    const example = (i: number) => `Question: q${i}\nAnswer: no q${i}\n\n`;
    expect(first).toBe(`${[7, 1, 0].map(example).join('')}Question: a\nAnswer:`);
    expect(second).toBe(`${[1, 0, 9].map(example).join('')}Question: b\nAnswer:`);
    // Of the same file one more is drawn, and the question itself is left out.
    const [third, fourth] = contexts(withShots([arc('q1'), arc('q1')], pool, { shots: 2 }, own));
    expect(third).toBe(`${[7, 0].map(example).join('')}Question: q1\nAnswer:`);
    expect(fourth).toBe(`${[0, 9].map(example).join('')}Question: q1\nAnswer:`);
    expect(contexts(withShots([arc('a')], pool, { shots: 3, seed: 7 }, other))).not.toEqual([first]);
  });

  it('of a question that is there twice are drawn from the others', () => {
    const pool = [arc('a', 1), arc('a', 2), arc('b', 3)];
    const [context] = contexts(withShots([pool[0]!], pool, { shots: 1 }, own));
    expect(context).toBe('Question: b\nAnswer: no b\n\nQuestion: a\nAnswer:');
  });

  it('of MMLU are the first ones, after the intro', () => {
    const pool = [mmlu('a'), mmlu('b'), mmlu('c')];
    const example = (name: string) => `${name}\nA. 1\nB. 2\nAnswer: A\n\n`;
    const [first, second] = contexts(withShots(pool.slice(0, 2), pool, { shots: 2 }, own));
    const { intro, question } = pool[0]!;
    expect(first).toBe(`${intro}${example('b')}${example('c')}${question}`);
    expect(second).toBe(`${intro}${example('a')}${example('c')}${pool[1]!.question}`);
  });

  it('are refused where there are too few', async () => {
    const pool = [arc('a'), arc('b')];
    const params = { shots: 2, rows: 1, line: 1, file: 'a.jsonl' };
    await expectGraftError(() => withShots(pool, pool, { shots: 2 }, own), 'data.too_few_shots', params);
    await expectGraftError(
      () => withShots([mmlu('a')], [mmlu('a')], { shots: 1 }, own),
      'data.too_few_shots',
    );
  });
});
