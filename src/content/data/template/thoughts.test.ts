import { beforeAll, describe, expect, test } from 'vitest';
import {
  assistant,
  assistantTurn,
  chatmlWithTools,
  inspectRows,
  marked,
  plainChatml,
  refused,
  user,
  userTurn,
} from '../../../testing/markedRows.ts';
import { fixture, qwenTokenizer } from '../../../testing/tokenizers.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

// Thoughts of the assistant before its answer.

let chatml: Tokenizer;
let plain: Tokenizer;
beforeAll(async () => {
  chatml = await chatmlWithTools();
  plain = await plainChatml();
});

describe('thoughts', () => {
  const thinking = (fields: object) => ({ messages: [user('2+2?'), assistant('4', fields)] });
  const withThought = `${userTurn('2+2?')}${assistantTurn('[[<think>\nTwo and two.\n</think>\n\n4<|im_end|>]]')}`;

  test.each(['reasoning_content', 'thinking', 'reasoning', 'thought'])('in %s', async (field) => {
    expect(await marked(thinking({ [field]: 'Two and two.' }))).toEqual([withThought]);
    expect(await refused(thinking({ [field]: 'Two and two.' }), {}, plain)).toMatchObject({
      code: 'data.no_place',
      message: expect.stringContaining(
        `Line 1 of rows.jsonl: the model’s chat template ignores "messages[1].${field}"`,
      ) as string,
    });
    expect(await marked(thinking({ [field]: null }))).toEqual([
      `${userTurn('2+2?')}${assistantTurn('[[4<|im_end|>]]')}`,
    ]);
  });

  test.each<[string, unknown[]]>([
    [
      'thinking',
      [
        { type: 'thinking', thinking: 'Two and two.' },
        { type: 'text', text: '4' },
      ],
    ],
    [
      'reasoning',
      [
        { type: 'reasoning', text: 'Two and two.' },
        { type: 'output_text', text: '4' },
      ],
    ],
    [
      'a list of texts',
      [
        { type: 'thinking', thinking: [{ type: 'text', text: 'Two and two.' }] },
        { type: 'text', text: '4' },
      ],
    ],
  ])('in content parts (%s)', async (_, content) => {
    expect(await marked({ messages: [user('2+2?'), { role: 'assistant', content }] })).toEqual([withThought]);
  });

  test('are context if not trained', async () => {
    expect(await marked(thinking({ thinking: 'Two and two.' }), { trainThoughts: false })).toEqual([
      `${userTurn('2+2?')}${assistantTurn('<think>\nTwo and two.\n</think>\n\n[[4<|im_end|>]]')}`,
    ]);
    const inText = thinking({ content: '<think>\nTwo.\n</think>\n\n4' });
    expect(await marked(inText, { trainThoughts: false }, plain)).toEqual([
      `${userTurn('2+2?')}${assistantTurn('<think>\nTwo.\n</think>\n\n[[4<|im_end|>]]')}`,
    ]);
  });

  test('that the template drops are reported with their token count; splitting turns preserves them', async () => {
    const messages = [
      user('a'),
      assistant('b', { thinking: 'first' }),
      user('c'),
      assistant('d', { thinking: 'second' }),
    ];
    const { findings } = await inspectRows(chatml, [{ messages }]);
    expect(findings).toContainEqual({ code: 'thoughtsDropped', severity: 'warning', lines: [1] });
    expect(await marked({ messages })).toEqual([
      `${userTurn('a')}${assistantTurn('b<|im_end|>')}${userTurn('c')}${assistantTurn('[[<think>\nsecond\n</think>\n\nd<|im_end|>]]')}`,
    ]);
    expect(await marked({ messages }, { splitTurns: true })).toEqual([
      `${userTurn('a')}${assistantTurn('[[<think>\nfirst\n</think>\n\nb<|im_end|>]]')}`,
      `${userTurn('a')}${assistantTurn('b<|im_end|>')}${userTurn('c')}${assistantTurn('[[<think>\nsecond\n</think>\n\nd<|im_end|>]]')}`,
    ]);
  });

  test('that the template drops from the last answer reject the row, with any mask', async () => {
    const r1 = await qwenTokenizer(fixture('deepseek-r1.jinja'));
    const row = { messages: [user('2+2?'), assistant('<think>\nadd\n</think>\n\n4')] };
    for (const mask of ['assistant', 'all', 'last'] as const) {
      expect(await refused(row, { mask }, r1)).toMatchObject({ code: 'data.thought_dropped' });
    }
  });

  test.each(['<think>\n', '<think>\n\n', '<think>\n\n</think>\n\n'])(
    'are found if the generation prompt opens or closes one (%j)',
    async (opened) => {
      const source = `{% for m in messages %}{% if m.role == 'assistant' %}{% set c = m.content %}{% if '</think>' not in c %}{% set c = '<think>\\n\\n</think>\\n\\n' + c %}{% endif %}{{ '<|im_start|>assistant\\n' + c + '<|im_end|>\\n' }}{% else %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n${opened.replaceAll('\n', '\\n')}' }}{% endif %}`;
      const tokenizer = await qwenTokenizer(source);
      for (const content of ['<think>\nadd\n</think>\n\n4', '4']) {
        const [text] = await marked({ messages: [user('2+2?'), assistant(content)] }, {}, tokenizer);
        expect(text).toMatch(/4<\|im_end\|>\]\]\n$/);
        if (content !== '4') expect(text).toMatch(/\[\[[^\]]*add/);
      }
    },
  );
});
