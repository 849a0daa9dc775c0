import { beforeAll, describe, expect, test } from 'vitest';
import {
  assistant,
  assistantTurn,
  chatmlWithTools,
  inspectRows,
  marked,
  refused,
  user,
  userTurn,
} from '../../../testing/markedRows.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

// Loss weights of a row's tokens.

let chatml: Tokenizer;
beforeAll(async () => {
  chatml = await chatmlWithTools();
});

describe('weights', () => {
  const weighted = (wrong: object, right: object = {}) => ({
    messages: [user('one?'), assistant('WRONG', wrong), user('really?'), assistant('right', right)],
  });
  const onlyRight = `${userTurn('one?')}${assistantTurn('WRONG<|im_end|>')}${userTurn('really?')}${assistantTurn('[[right<|im_end|>]]')}`;

  test.each(['weight', 'loss', 'train', 'training', 'trainable', 'loss_weight', 'loss_mask', 'loss_scale'])(
    '%s of 0 or false makes a message context',
    async (field) => {
      for (const none of [0, false, '0']) {
        expect(await marked(weighted({ [field]: none }, { [field]: 1 }))).toEqual([onlyRight]);
        expect(await marked(weighted({ [field]: none }), { mask: 'chatml' })).toEqual([
          expect.stringContaining('assistant\nWRONG[['),
        ]);
        const all = await marked(weighted({ [field]: none }), { mask: 'all' });
        expect(all[0]).toMatch(/assistant\n\]\]WRONG<\|im_end\|>\[\[\n/);
      }
    },
  );

  test.each(['ignore', 'masked', 'no_loss'])('%s makes a message context', async (field) => {
    expect(await marked(weighted({ [field]: true }, { [field]: false }))).toEqual([onlyRight]);
  });

  test('an ambiguous mask is rejected', async () => {
    const { code, message } = await refused(weighted({ mask: 1 }));
    expect(code).toBe('data.unsupported_field');
    expect(message).toContain('messages[1].mask');
  });

  test('other numbers scale the loss of the message', async () => {
    const row = weighted({ weight: 0.5 }, { weight: 2 });
    const { samples } = await inspectRows(chatml, [row]);
    const { ids, labels, weights } = samples[0]!;
    const counted = ids.map((id, i) => [chatml.decode([id]), labels[i] === -100 ? 0 : weights![i]]);
    expect(counted.filter(([, weight]) => weight !== 0)).toEqual([
      ...chatml.encode('WRONG').map((id) => [chatml.decode([id]), 0.5]),
      ['<|im_end|>', 0.5],
      ...chatml.encode('right').map((id) => [chatml.decode([id]), 2]),
      ['<|im_end|>', 2],
    ]);
    expect((await inspectRows(chatml, [weighted({ weight: 1 })])).samples[0]!.weights).toBeUndefined();
  });

  test('of other roles apply if they ask for training', async () => {
    const messages = [{ ...user('one?'), train: true }, assistant('two')];
    expect(await marked({ messages })).toEqual([
      `<|im_start|>user\n[[one?]]<|im_end|>\n${assistantTurn('[[two<|im_end|>]]')}`,
    ]);
  });

  test('of rows', async () => {
    const messages = [user('one?'), assistant('two')];
    const { samples } = await inspectRows(chatml, [{ messages, weight: 3 }]);
    expect(new Set(samples[0]!.weights)).toEqual(new Set([1, 3]));
    expect(await marked({ messages: weighted({}).messages, loss_mask: [0, 0, 0, 1] })).toEqual([onlyRight]);
    expect(await refused({ messages, loss_mask: [1] })).toMatchObject({ code: 'data.bad_field' });
    expect(await refused({ prompt: 'a', completion: 'b', weight: 0 })).toMatchObject({
      code: 'data.no_trained_tokens',
    });
  });

  test.each([-1, 'much', [1], Infinity])('%s is not a weight', async (weight) => {
    const { code, message } = await refused(weighted({ weight: weight === Infinity ? 1e39 : weight }));
    expect(code).toBe('data.bad_field');
    expect(message).toContain('messages[1].weight');
  });

  test('masks and weights of pre-tokenized rows', async () => {
    const ids = [5, 6, 7, 8, 9];
    for (const field of ['completion_mask', 'assistant_masks', 'loss_mask']) {
      const { samples } = await inspectRows(null, [{ input_ids: ids, [field]: [0, 0, 0, 1, 1] }]);
      expect(samples[0]!.labels).toEqual([-100, -100, -100, 8, 9]);
    }
    const { samples } = await inspectRows(null, [{ input_ids: ids, loss_weights: [1, 1, 0, 0.5, 1] }]);
    expect(samples[0]).toMatchObject({ labels: [5, 6, -100, 8, 9], weights: [1, 1, 1, 0.5, 1] });
    const { problems } = await inspectRows(null, [{ input_ids: ids, completion_mask: [0, 1] }]);
    expect(problems[0]).toMatchObject({ code: 'data.bad_field' });
  });
});
