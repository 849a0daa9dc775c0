import { describe, expect, it } from 'vitest';
import type { ChatAnswer, ChatTurn } from '../../hosts/browser/projectsProtocol.ts';
import {
  messagesOf,
  newTurn,
  nextQuestion,
  promptOf,
  seedOf,
  withAnswer,
  withEdit,
  withRetry,
} from './conversation.ts';
import type { Side } from './state/tryout.ts';

const answer = (text: string): ChatAnswer => ({
  text,
  tokens: 1,
  tokensPerSecond: 1,
  stoppedBy: 'end',
  by: { model: 'm', kind: 'base' },
});

/** Turns, each with its answers from left to right; `-` for none. */
function turnsOf(...rows: [user: string, left: string, right: string][]): readonly ChatTurn[] {
  return rows.map(([user, left, right]) => ({
    ...newTurn('chat', user),
    answers: { left: left === '-' ? null : answer(left), right: right === '-' ? null : answer(right) },
  }));
}

const both: readonly Side[] = ['left', 'right'];

describe('a conversation', () => {
  it('is each side’s own, from the same user turns, below the system message', () => {
    const turns = turnsOf(['one', 'l1', 'r1'], ['two', '-', '-']);
    expect(
      messagesOf(turns, 1, 'left', 'Be brief.').map(({ role, content }) => `${role}: ${content}`),
    ).toEqual(['system: Be brief.', 'user: one', 'assistant: l1', 'user: two']);
    expect(messagesOf(turns, 1, 'right', '  ').map(({ content }) => content)).toEqual(['one', 'r1', 'two']);
  });

  it('omits turns a side has not answered, and texts to continue', () => {
    const text = withAnswer([newTurn('text', 'Once')], 0, 'left', answer(' upon'));
    const turns = [...text, ...turnsOf(['one', '-', 'r1'], ['two', '-', '-'])];
    expect(messagesOf(turns, 2, 'left', '').map(({ content }) => content)).toEqual(['two']);
    expect(promptOf(turns, 0, 'left', 'Be brief.', {})).toEqual({ kind: 'text', text: 'Once' });
    expect(promptOf(turns, 2, 'right', '', { a: 1 })).toMatchObject({ kind: 'chat', templateArgs: { a: 1 } });
  });

  it('is answered by turns, from left to right; a side that came later answers the turns before', () => {
    const turns = turnsOf(['one', 'l1', '-'], ['two', '-', '-']);
    expect(nextQuestion(turns, both)).toEqual({ turn: 0, side: 'right' });
    expect(nextQuestion(turns, ['left'])).toEqual({ turn: 1, side: 'left' });
    const caughtUp = withAnswer(withAnswer(turns, 0, 'right', answer('r1')), 1, 'left', answer('l2'));
    expect(nextQuestion(caughtUp, both)).toEqual({ turn: 1, side: 'right' });
    expect(nextQuestion(withAnswer(caughtUp, 1, 'right', answer('r2')), both)).toBeNull();
    expect(nextQuestion(turns, [])).toBeNull();
  });

  it('drops what followed an edited turn', () => {
    const turns = turnsOf(['one', 'l1', 'r1'], ['two', 'l2', 'r2'], ['three', 'l3', 'r3']);
    expect(withEdit(turns, 1, 'zwei')).toEqual([turns[0], newTurn('chat', 'zwei')]);
  });

  it('asks its last turn again with the next seed, which is the same on both sides', () => {
    const [first, last] = withRetry(turnsOf(['one', 'l1', 'r1'], ['two', 'l2', 'r2']));
    expect(first).toMatchObject({ attempt: 0, answers: { left: { text: 'l1' } } });
    expect(last).toMatchObject({ attempt: 1, answers: { left: null, right: null } });
    expect(seedOf(42, last!)).toBe(43);
    expect(seedOf(0xffffffff, { attempt: 1 })).toBe(0);
  });
});
