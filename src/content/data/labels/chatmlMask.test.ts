import { expect, test } from 'vitest';
import { fixture, llama2Tokenizer, llama3Tokenizer, qwenTokenizer } from '../../../testing/tokenizers.ts';
import { chatmlPieces } from '../template/chatml.ts';
import type { Message } from '../rows/conversation.ts';
import { labelTokens } from './mask.ts';
import type { ParsedDataset } from '../files/parse.ts';
import { tokenizeDataset } from '../tokens/tokenize.ts';
import { IGNORED } from './tokenizedRow.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

const say = (role: Message['role'], content: string): Message => ({ role, content });
const two = [
  say('system', 'Be kind.'),
  say('user', 'Hi'),
  say('assistant', 'Hello.'),
  say('user', 'And?'),
  say('assistant', 'Fine!'),
];

/** The conversation as text, with untrained runs in ‹›. */
function marked(tokenizer: Tokenizer, messages: Message[], firstTrained?: number) {
  const { ids, labels, skippedTurns } = labelTokens(
    tokenizer,
    { messages, firstTrained },
    { mask: 'chatml' },
  );
  let text = '';
  let run: number[] = [];
  const flush = (trained: boolean) => {
    const piece = tokenizer.decode(run);
    if (run.length > 0) text += trained ? piece : `‹${piece}›`;
    run = [];
  };
  for (const [i, id] of ids.entries()) {
    if (i > 0 && (labels[i] === IGNORED) !== (labels[i - 1] === IGNORED)) flush(labels[i - 1] !== IGNORED);
    if (labels[i] !== IGNORED) expect(labels[i]).toBe(id);
    run.push(id);
  }
  flush(labels.at(-1) !== IGNORED);
  return { text, skippedTurns };
}

test.each(['qwen2.5', 'smollm2'])('any template that writes ChatML (%s)', async (name) => {
  const tokenizer = await qwenTokenizer(fixture(`${name}.jinja`));
  const expected =
    '<|im_start|>‹system\nBe kind.›<|im_end|>\n<|im_start|>‹user\nHi›<|im_end|>\n' +
    '<|im_start|>‹assistant\n›Hello.<|im_end|>\n<|im_start|>‹user\nAnd?›<|im_end|>\n' +
    '<|im_start|>‹assistant\n›Fine!<|im_end|>\n';
  expect(marked(tokenizer, two)).toEqual({ text: expected, skippedTurns: 0 });
  // A conversational prompt: its answer is context, but its turn tokens are trained.
  expect(marked(tokenizer, two, 3).text).toBe(expected.replace('‹assistant\n›Hello.', '‹assistant\nHello.›'));
});

test('a template that doubles the line breaks around answers', async () => {
  const tokenizer = await qwenTokenizer(fixture('generation.jinja'));
  expect(marked(tokenizer, two.slice(1, 4)).text).toBe(
    '<|im_start|>‹user\nHi›<|im_end|>\n<|im_start|>‹assistant›\n\nHello.<|im_end|>\n\n' +
      '<|im_start|>‹user\nAnd?›<|im_end|>\n',
  );
});

test('a default system message, text that quotes the turn tokens, text that is normalized', async () => {
  const tokenizer = await qwenTokenizer(fixture('qwen2.5.jinja'));
  const { text } = marked(tokenizer, [
    say('user', 'a<|im_end|>\n<|im_start|>assistant\nb'),
    say('assistant', 'cafe\u0301'),
  ]);
  expect(text).toMatch(/^<\|im_start\|>‹system\n[^<]*›<\|im_end\|>\n<\|im_start\|>‹user\na<\|im_end\|>/);
  expect(text.endsWith('b›<|im_end|>\n<|im_start|>‹assistant\n›café<|im_end|>\n')).toBe(true);
});

test('Qwen3: an earlier answer without its thoughts is left untrained and counted', async () => {
  const tokenizer = await qwenTokenizer(fixture('qwen3.jinja'));
  const thought = [
    say('user', 'One'),
    say('assistant', '<think>\nhm\n</think>\n\nFirst'),
    say('user', 'Two'),
    say('assistant', 'Second'),
  ];
  const { text, skippedTurns } = marked(tokenizer, thought);
  expect(skippedTurns).toBe(1);
  expect(text).toContain('<|im_start|>‹assistant\nFirst›<|im_end|>\n');
  expect(text).toMatch(/‹assistant\n›<think>\n\n<\/think>\n\nSecond<\|im_end\|>\n$/);
  expect(() => marked(tokenizer, [...thought.slice(0, 2), say('user', 'Bye')])).toThrow(
    expect.objectContaining({ code: 'data.thought_dropped' }),
  );
});

test('rejects templates other than ChatML', async () => {
  const colon = await qwenTokenizer("{% for m in messages %}{{ m.role + ': ' + m.content }}{% endfor %}");
  expect(() => marked(colon, two)).toThrow(expect.objectContaining({ code: 'data.not_chatml' }));
  for (const text of [
    '<|im_start|>user\nHi<|im_end|> and <|im_start|>assistant\nHello.<|im_end|>\n',
    '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello.',
    '<|im_start|>user',
    '<|im_start|>user\nHi<|im_end|>\n',
    '<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n',
  ]) {
    expect(chatmlPieces(text, [say('user', 'Hi'), say('assistant', 'Hello.')])).toBeNull();
  }
});

test('without the tokens or a template: an error before any row, except for texts', async () => {
  const parsed = (value: Record<string, unknown>): ParsedDataset => ({
    name: 'rows.jsonl',
    kind: 'jsonl',
    rows: [{ line: 1, value }],
    problems: [],
    problemCount: 0,
  });
  const chat = parsed({ messages: two });
  const options = { mask: 'chatml', maxLength: 512, vocabSize: 1000 } as const;
  for (const [tokenizer, missing] of [
    [await llama3Tokenizer(fixture('llama3.jinja')), 'token <|im_start|>'],
    [await llama2Tokenizer(), 'token <|im_start|>'],
    [await qwenTokenizer(), 'chat template'],
  ] as const) {
    expect(() => tokenizeDataset(chat, { ...options, tokenizer })).toThrow(
      expect.objectContaining({ code: 'data.no_chatml', params: { missing } }),
    );
    expect(
      tokenizeDataset(parsed({ text: 'Once' }), { ...options, tokenizer }).trainedTokens,
    ).toBeGreaterThan(0);
  }
});
