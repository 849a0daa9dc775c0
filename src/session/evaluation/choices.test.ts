import { describe, expect, it } from 'vitest';
import { choiceTokenRows, choiceTokens, scoreChoices } from './choices.ts';

const row = {
  line: 1,
  context: 'Q:\nA: ',
  intro: '',
  question: 'Q:\nA: ',
  lettered: false,
  continuations: ['x', 'yz'],
  choices: ['x', 'yz'],
  gold: 1,
};

const codes = (text: string) => Array.from(text, (char) => char.charCodeAt(0));
/** BOS is 7; a token a character, but “ x” is one. */
const encode = (texts: readonly string[]) =>
  Promise.resolve(texts.map((text) => [7, ...codes(text.replaceAll(' x', 'X'))]));

describe('choices as tokens', () => {
  it('have the space at the end of the context in the continuation, and begin where the context alone ends', async () => {
    const [question] = await choiceTokens([row], encode);
    const context = [7, ...codes('Q:\nA:')];
    expect(question!.pairs).toEqual([
      { context, continuation: codes('X') },
      { context, continuation: codes(' yz') },
    ]);
    const { ids, labels, offsets } = choiceTokenRows([question!], 8);
    expect([...offsets]).toEqual([0, 7, 15]);
    expect([...ids.subarray(0, 7)]).toEqual([...context, 88]);
    expect([...labels.subarray(0, 7)]).toEqual([-100, -100, -100, -100, -100, -100, 88]);
    // Cut from the left.
    expect([...ids.subarray(7)]).toEqual([...context.slice(1), 32, 121, 122]);
  });
});

describe('the score of choices', () => {
  it('goes by likelihood, and by likelihood over characters', () => {
    expect(scoreChoices(row, [-2, -3])).toEqual({ logLikelihoods: [-2, -3], acc: 0, acc_norm: 1 });
    expect(scoreChoices(row, [-2, -4])).toMatchObject({ acc: 0, acc_norm: 0 });
    expect(scoreChoices({ ...row, gold: 0, choices: ['𝄞𝄞', 'ab'] }, [-2, -2])).toMatchObject({
      acc: 1,
      acc_norm: 1,
    });
  });
});
