import { describe, expect, it } from 'vitest';
import { expectGraftError } from '../../../testing/errors.ts';
import { choiceRow, isChoiceRow } from './choiceRow.ts';

const read = (value: Record<string, unknown>) => choiceRow({ value, line: 7 } as never, 'a.jsonl');

describe('a multiple-choice row', () => {
  const arc = {
    question: 'Which is a bird?',
    choices: { text: ['cat', 'owl', 'a big dog'], label: ['1', '2', '3'] },
    answerKey: '2',
  };

  it('of ARC is continued by the texts of its choices', () => {
    const expected = {
      line: 7,
      context: 'Question: Which is a bird?\nAnswer:',
      intro: '',
      question: 'Question: Which is a bird?\nAnswer:',
      lettered: false,
      continuations: [' cat', ' owl', ' a big dog'],
      choices: ['cat', 'owl', 'a big dog'],
      gold: 1,
    };
    expect(read(arc)).toEqual(expected);
    const pairs = arc.choices.text.map((text, i) => ({ text, label: arc.choices.label[i] }));
    expect(read({ ...arc, choices: pairs })).toEqual(expected);
    expect(read({ question: { stem: arc.question, choices: pairs }, answerKey: '2' })).toEqual(expected);
  });

  it('of MMLU is continued by the letter of a choice', () => {
    const mmlu = { question: ' 1 + 1 = \n', choices: ['1', '2'], answer: 1, subject: 'abstract_algebra' };
    expect(read(mmlu)).toEqual({
      line: 7,
      context:
        'The following are multiple choice questions (with answers) about abstract algebra.\n\n1 + 1 =\nA. 1\nB. 2\nAnswer:',
      intro: 'The following are multiple choice questions (with answers) about abstract algebra.\n\n',
      question: '1 + 1 =\nA. 1\nB. 2\nAnswer:',
      lettered: true,
      continuations: [' A', ' B'],
      choices: ['A', 'B'],
      gold: 1,
    });
    const { subject: _, ...without } = mmlu;
    expect(read(without).context).toBe('1 + 1 =\nA. 1\nB. 2\nAnswer:');
    for (const answer of ['B', ' B ', '1', 1]) expect(read({ ...mmlu, answer }).gold).toBe(1);
  });

  it.each([
    [{ question: 3, choices: ['a', 'b'], answer: 0 }, '“question” is no text'],
    [{ question: 'x', choices: ['a'], answer: 0 }, '“choices” is no list of texts'],
    [{ question: 'x', choices: ['a', 'b'], answer: 2 }, '“answer” is none of its choices'],
    [{ question: 'x', choices: ['a', 'b'], answer: 'C' }, '“answer” is none of its choices'],
    [{ question: 'x', choices: ['a', 'b'] }, '“answer” is none of its choices'],
    [{ question: 'x', choices: ['a', 'b'], answer: '' }, '“answer” is none of its choices'],
    [{ ...arc, answerKey: 'B' }, '“answerKey” is none of its labels'],
    [{ ...arc, choices: { text: ['a', 'b'], label: ['A'] } }, '“choices” has no texts, each with its label'],
  ])('that is none is refused: %j', async (value, detail) => {
    const error = { file: 'a.jsonl', line: 7, detail };
    await expectGraftError(() => Promise.resolve(read(value)), 'data.choices_invalid', error);
  });

  it('is told by its fields', () => {
    expect(isChoiceRow({ value: arc, line: 1 } as never)).toBe(true);
    expect(isChoiceRow({ value: { question: 'x', answer: 'y' }, line: 1 } as never)).toBe(false);
    expect(isChoiceRow({ value: { messages: [] }, line: 1 } as never)).toBe(false);
  });
});
