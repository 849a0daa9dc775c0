import { describe, expect, test } from 'vitest';
import type { Message } from '../rows/conversation.ts';
import { labelTokens, type LabelMask } from './mask.ts';
import { fixture, llama2Tokenizer, llama3Tokenizer, qwenTokenizer } from '../../../testing/tokenizers.ts';
import { IGNORED } from './tokenizedRow.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

const say = (role: Message['role'], content: string): Message => ({ role, content });
const one = [say('user', 'Hi'), say('assistant', 'Hello there.')];
const two = [...one, say('user', 'And?'), say('assistant', 'Fine, thanks!')];
const now = new Date(2025, 2, 9);

/** The trained text runs of a conversation, special tokens shown. */
function trained(
  tokenizer: Tokenizer,
  messages: Message[],
  mask: LabelMask = 'assistant',
  firstTrained?: number,
) {
  const { ids, labels, skippedTurns } = labelTokens(tokenizer, { messages, firstTrained }, { mask, now });
  expect(labels.length).toBe(ids.length);
  for (const [i, label] of labels.entries()) expect([ids[i], IGNORED]).toContain(label);
  const runs: number[][] = [];
  for (const [i, label] of labels.entries()) {
    if (label === IGNORED) continue;
    if (i === 0 || labels[i - 1] === IGNORED) runs.push([]);
    runs.at(-1)?.push(label);
  }
  return { runs: runs.map((run) => tokenizer.decode(run)), text: tokenizer.decode(ids), skippedTurns };
}

describe.each(['qwen2.5', 'smollm2', 'generation'])('ChatML (%s)', (name) => {
  test('answers and their end tokens, but not the line break after', async () => {
    const tokenizer = await qwenTokenizer(fixture(`${name}.jinja`));
    expect(trained(tokenizer, two)).toMatchObject({
      runs: ['Hello there.<|im_end|>', 'Fine, thanks!<|im_end|>'],
      skippedTurns: 0,
    });
    expect(trained(tokenizer, two, 'last').runs).toEqual(['Fine, thanks!<|im_end|>']);
    expect(trained(tokenizer, two, 'assistant', 2).runs).toEqual(['Fine, thanks!<|im_end|>']);
    const all = trained(tokenizer, two, 'all');
    expect(all.runs).toEqual([all.text]);
  });

  test('an answer that quotes the template, or the question', async () => {
    const tokenizer = await qwenTokenizer(fixture(`${name}.jinja`));
    const echo = [
      say('user', 'assistant\nHi'),
      say('assistant', 'assistant\nHi'),
      say('user', 'Hi'),
      say('assistant', 'Hi'),
    ];
    expect(trained(tokenizer, echo).runs).toEqual(['assistant\nHi<|im_end|>', 'Hi<|im_end|>']);
  });

  test('whitespace and non-ASCII at the boundaries', async () => {
    const tokenizer = await qwenTokenizer(fixture(`${name}.jinja`));
    const odd = [
      say('user', '🙂 '),
      say('assistant', '\n\n 你好 🙂\n'),
      say('user', 'é'),
      say('assistant', 'é'),
    ];
    const { runs } = trained(tokenizer, odd);
    // A token may cross the boundary ("\n\n\n"): it is trained, since it contains part of the answer.
    expect(runs[0]?.trimStart()).toBe('你好 🙂\n<|im_end|>');
    expect(runs[1]).toBe('é<|im_end|>');
  });
});

test('text that the tokenizer normalizes (no byte offsets)', async () => {
  const tokenizer = await qwenTokenizer(fixture('qwen2.5.jinja'));
  const messages = [
    say('user', 'cafe\u0301'),
    say('assistant', 'e\u0301te\u0301'),
    say('user', 'x'),
    say('assistant', 'u\u0308'),
  ];
  expect(trained(tokenizer, messages).runs).toEqual(['été<|im_end|>', 'ü<|im_end|>']);
});

describe('Qwen3', () => {
  const thoughts = [
    say('user', 'One'),
    say('assistant', '<think>\nhm\n</think>\n\nFirst'),
    say('user', 'Two'),
    say('assistant', '<think>\nwell\n</think>\n\nSecond'),
  ];

  test('a single turn is trained from the end of the generation prompt', async () => {
    const tokenizer = await qwenTokenizer(fixture('qwen3.jinja'));
    expect(trained(tokenizer, one).runs).toEqual(['<think>\n\n</think>\n\nHello there.<|im_end|>']);
  });

  test('earlier turns lose their thoughts: detected, only the last is trained', async () => {
    const tokenizer = await qwenTokenizer(fixture('qwen3.jinja'));
    const result = trained(tokenizer, thoughts);
    expect(result.text).toContain('<|im_start|>assistant\nFirst<|im_end|>');
    expect(result.runs).toEqual(['<think>\nwell\n</think>\n\nSecond<|im_end|>']);
    expect(result.skippedTurns).toBe(1);
    expect(trained(tokenizer, thoughts, 'last')).toMatchObject({ runs: result.runs, skippedTurns: 0 });
  });

  test('a conversation whose only answer is rewritten is an error', async () => {
    const tokenizer = await qwenTokenizer(fixture('qwen3.jinja'));
    expect(() => trained(tokenizer, [...one, say('user', 'Bye')])).toThrow(
      expect.objectContaining({ code: 'data.answer_not_found' }),
    );
  });

  test('tool results between two answers', async () => {
    const tokenizer = await qwenTokenizer(fixture('qwen3.jinja'));
    const messages = [
      say('user', 'Sun?'),
      say('assistant', 'look()'),
      say('tool', 'yes'),
      say('assistant', 'Yes.'),
    ];
    const { runs, skippedTurns } = trained(tokenizer, messages);
    expect(runs.at(-1)).toBe('<think>\n\n</think>\n\nYes.<|im_end|>');
    expect(runs.length + skippedTurns).toBe(2);
  });
});

test('Llama 3: the end of turn is its own token, content is trimmed', async () => {
  const tokenizer = await llama3Tokenizer(fixture('llama3.jinja'));
  const messages = [
    say('system', 'S'),
    say('user', ' Hi '),
    say('assistant', ' Hello \n'),
    say('user', 'x'),
    say('assistant', 'y'),
  ];
  const { runs, text } = trained(tokenizer, messages);
  expect(runs).toEqual(['Hello<|eot_id|>', 'y<|eot_id|>']);
  expect(text).toContain('Today Date: 09 Mar 2025');
  expect(text.startsWith('<|begin_of_text|><|start_header_id|>system')).toBe(true);
});

describe('Mistral', () => {
  const mistral = async () => {
    const tokenizer = await llama2Tokenizer();
    return { ...tokenizer, chatTemplate: fixture('mistral.jinja') };
  };

  test('no generation prompt, and EOS after every answer', async () => {
    const { runs, skippedTurns } = trained(await mistral(), two);
    expect(runs.map((run) => run.trim())).toEqual(['Hello there.</s>', 'Fine, thanks!</s>']);
    expect(skippedTurns).toBe(0);
  });

  test('a system message rendered only in prompts: the answer is still found', async () => {
    const { runs, text } = trained(await mistral(), [say('system', 'Be brief.'), ...one]);
    expect(text).not.toContain('Be brief.');
    expect(runs.map((run) => run.trim())).toEqual(['Hello there.</s>']);
  });

  test('rejected roles are reported', async () => {
    const tokenizer = await mistral();
    expect(() => trained(tokenizer, [say('assistant', 'a'), say('user', 'b')])).toThrow(
      expect.objectContaining({ code: 'data.template_refused' }),
    );
  });
});

test('DeepSeek-R1: a generation prompt that opens a thought missing from the conversation', async () => {
  const tokenizer = await qwenTokenizer(fixture('deepseek-r1.jinja'));
  expect(trained(tokenizer, two).runs).toEqual(['Hello there.<|im_end|>', 'Fine, thanks!<|im_end|>']);
  const hidden = [say('user', 'a'), say('assistant', '<think>x</think>b')];
  expect(() => trained(tokenizer, hidden)).toThrow(expect.objectContaining({ code: 'data.thought_dropped' }));
});

test('a template without end token gets EOS after the last answer', async () => {
  const source =
    "{% for m in messages %}{{ m.role + ': ' + m.content + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}";
  const tokenizer = await qwenTokenizer(source, '<|endoftext|>');
  const { runs, text } = trained(tokenizer, two);
  expect(text.endsWith('Fine, thanks!\n<|endoftext|>')).toBe(true);
  expect(runs.at(-1)?.trimStart()).toBe('Fine, thanks!\n<|endoftext|>');
  expect(trained(tokenizer, two, 'all').text).toBe(text);
});

test('generation tags that close before the end token', async () => {
  const source =
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' }}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}{{ '<|im_end|>\\n' }}{% endfor %}";
  const tokenizer = await qwenTokenizer(source);
  expect(trained(tokenizer, two).runs).toEqual(['Hello there.<|im_end|>', 'Fine, thanks!<|im_end|>']);
});

describe('without a template', () => {
  test('masks of the plain format', async () => {
    const tokenizer = await llama2Tokenizer();
    const runs = (mask: LabelMask, first?: number) => trained(tokenizer, two, mask, first).runs;
    expect(runs('assistant')).toEqual(['Hello there.</s>', 'Fine, thanks!</s>']);
    expect(runs('last')).toEqual(['Fine, thanks!</s>']);
    expect(runs('assistant', 2)).toEqual(['Fine, thanks!</s>']);
    expect(runs('all')[0]?.startsWith('<s> Hi')).toBe(true);
  });

  test('plain text is trained whole, with BOS and EOS', async () => {
    const tokenizer = await llama2Tokenizer();
    const { ids, labels } = labelTokens(tokenizer, { text: 'Once upon a time' }, { mask: 'assistant' });
    expect(ids).toEqual([...tokenizer.encode('Once upon a time'), 2]);
    expect(labels).toEqual(ids);
    expect(labelTokens(await qwenTokenizer(), { text: '' }, { mask: 'all' }).ids).toEqual([]);
  });
});
