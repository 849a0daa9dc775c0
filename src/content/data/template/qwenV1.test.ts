import { describe, expect, test } from 'vitest';
import { memoryFolder } from '../../../testing/sources.ts';
import { fixture, qwenTokenizer, qwenV1Tokenizer } from '../../../testing/tokenizers.ts';
import type { Message } from '../rows/conversation.ts';
import { toConversation } from '../rows/formats.ts';
import { labelTokens } from '../labels/mask.ts';
import { encodeChat, renderChat } from './template.ts';
import { loadTokenizer } from '../tokenizer/tokenizer.ts';

interface Turn {
  from: Message['role'];
  value: string;
}
interface Reference {
  n_vocab: number;
  special: Record<string, number>;
  texts: { text: string; ids: number[]; decoded: string }[];
  rows: { conversations: Turn[]; ids: number[]; labels: number[] }[];
  prompts: { conversations: Turn[]; text: string; ids: number[] }[];
}
const reference = JSON.parse(fixture('reference-qwen-v1.json')) as Reference;
const messages = (turns: Turn[]): Message[] =>
  turns.map(({ from, value }) => ({ role: from, content: value }));

describe('tokenizer', () => {
  test('matches ids and texts of Python’s tiktoken', async () => {
    const tokenizer = await qwenV1Tokenizer();
    expect(reference.texts.length).toBeGreaterThan(20);
    for (const { text, ids, decoded } of reference.texts) {
      expect([text, tokenizer.encode(text)]).toEqual([text, ids]);
      expect([text, tokenizer.decode(ids)]).toEqual([text, decoded]);
    }
  });

  test('special tokens follow the regular ones', async () => {
    const tokenizer = await qwenV1Tokenizer();
    expect(tokenizer.vocabSize).toBe(reference.n_vocab);
    expect(tokenizer.specialIds.size).toBe(208);
    for (const [token, id] of Object.entries(reference.special)) expect(tokenizer.idOf(token)).toBe(id);
  });

  test('no BOS; a text ends with <|endoftext|>, a chat also with <|im_end|> and <|im_start|>', async () => {
    const [end, start, stop] = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'].map(
      (t) => reference.special[t],
    );
    const withoutConfigs = { 'tokenizer_config.json': '{}', 'generation_config.json': '{}' };
    for (const files of [{}, withoutConfigs]) {
      const tokenizer = await qwenV1Tokenizer(files);
      expect(tokenizer).toMatchObject({ bosId: null, addBos: false, eosIds: [end, stop, start], padId: end });
      expect(labelTokens(tokenizer, { text: 'Hi' }, { mask: 'assistant' }).ids.at(-1)).toBe(end);
    }
  });

  test('tokenizer.json wins; a folder’s own template wins; a broken line is reported', async () => {
    const both = await qwenV1Tokenizer({ 'tokenizer.json': fixture('qwen-like.tokenizer.json') });
    expect([both.vocabSize, both.chatTemplate]).toEqual([425, null]);
    const own = await qwenV1Tokenizer({ 'chat_template.jinja': 'x' });
    expect(own.chatTemplate).toBe('x');
    const broken = memoryFolder({ 'qwen.tiktoken': 'IQ== 0\nIg== one\n' });
    await expect(loadTokenizer(broken)).rejects.toMatchObject({
      code: 'data.tiktoken_line',
      params: { file: 'qwen.tiktoken', line: 2 },
    });
  });

  test('preserves a token "__proto__"', async () => {
    const tokens = ['__', 'pr', 'ot', 'prot', 'o__', 'proto__', '__proto__'];
    const lines = tokens.map((token, i) => `${Buffer.from(token).toString('base64')} ${556 + i}\n`);
    const tokenizer = await qwenV1Tokenizer({
      'qwen.tiktoken': fixture('qwen-v1-like.tiktoken') + lines.join(''),
    });
    expect(tokenizer.idOf('__proto__')).toBe(562);
    expect(tokenizer.vocabSize).toBe(reference.n_vocab + tokens.length);
  });
});

describe('chat', () => {
  test('prompts match make_context', async () => {
    const tokenizer = await qwenV1Tokenizer();
    expect(reference.prompts.length).toBeGreaterThan(4);
    for (const { conversations, text, ids } of reference.prompts) {
      const turns = messages(conversations);
      expect(renderChat(tokenizer, turns, { addGenerationPrompt: true })).toBe(text);
      expect([text, encodeChat(tokenizer, turns, { addGenerationPrompt: true })]).toEqual([text, ids]);
    }
  });

  test('a custom system message; roles unknown to Qwen are named errors', async () => {
    const tokenizer = await qwenV1Tokenizer();
    const system: Message = { role: 'system', content: 'Be brief.' };
    const user: Message = { role: 'user', content: 'Hi' };
    expect(renderChat(tokenizer, [system, user])).toBe(
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n',
    );
    for (const turns of [[user, system], [{ ...user, role: 'tool' as const }]]) {
      expect(() => renderChat(tokenizer, turns)).toThrow(
        expect.objectContaining({ code: 'data.template_refused' }),
      );
    }
    expect(() => renderChat(tokenizer, [{ ...user, role: 'tool' }])).toThrow('the role tool');
  });
});

describe('labels', () => {
  test('labels match finetune.py', async () => {
    const tokenizer = await qwenV1Tokenizer();
    expect(reference.rows.length).toBeGreaterThan(5);
    for (const { conversations, ids, labels } of reference.rows) {
      const conversation = toConversation({ line: 1, value: { conversations } }, 'qwen');
      if ('inputIds' in conversation) throw new Error('tokenized');
      expect(labelTokens(tokenizer, conversation, { mask: 'chatml' })).toMatchObject({
        ids,
        labels,
        skippedTurns: 0,
      });
    }
  });

  test('the other masks have the same ids', async () => {
    const tokenizer = await qwenV1Tokenizer();
    for (const { conversations, ids, labels } of reference.rows) {
      const turns = messages(conversations);
      const all = labelTokens(tokenizer, { messages: turns }, { mask: 'all' });
      expect(all).toMatchObject({ ids, labels: ids, skippedTurns: 0 });
      // Answers with their ends are what finetune.py trains, except for the turn tokens.
      const answers = labelTokens(tokenizer, { messages: turns }, { mask: 'assistant' });
      expect(answers.ids).toEqual(ids);
      for (const [i, label] of answers.labels.entries()) if (label !== -100) expect(label).toBe(labels[i]);
      const spoken = turns.filter(({ role }) => role === 'assistant').map(({ content }) => content);
      const trained = answers.labels.filter((label) => label !== -100);
      expect(tokenizer.decode(trained)).toBe(
        spoken
          .map((content) => `${content}<|im_end|>`)
          .join('')
          .normalize('NFC'),
      );
      const last = labelTokens(tokenizer, { messages: turns }, { mask: 'last' }).labels;
      expect(tokenizer.decode(last.filter((label) => label !== -100))).toBe(
        `${spoken.at(-1)}<|im_end|>`.normalize('NFC'),
      );
    }
  });

  test('tokenizers of later Qwens encode the prompt in one pass', async () => {
    const tokenizer = await qwenTokenizer(fixture('qwen2.5.jinja'));
    const turns: Message[] = [{ role: 'user', content: '\n\nHi' }];
    const text = renderChat(tokenizer, turns, { addGenerationPrompt: true });
    expect(encodeChat(tokenizer, turns, { addGenerationPrompt: true })).toEqual(
      tokenizer.encode(text, { addSpecialTokens: false }),
    );
  });
});
