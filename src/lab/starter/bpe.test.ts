import { describe, expect, it } from 'vitest';
import { loadTokenizer, type Tokenizer } from '../../content/data/tokenizer/tokenizer.ts';
import { renderChat } from '../../content/data/template/template.ts';
import { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import { trainBpe } from './bpe.ts';
import { specialIds, writeTokenizer } from './tokenizerFiles.ts';

const texts = ['the cat and the hat', 'the cat sat on the mat', '你好，世界。你好！'];

async function tokenizerOf(size: number): Promise<Tokenizer> {
  const folder = new MemoryFolder('tokenizer', {});
  await writeTokenizer(folder, trainBpe(texts, size), 512);
  return (await loadTokenizer(folder))!;
}

describe('trainBpe', () => {
  it('merges the most frequent pair first, and of equally frequent ones the first in string order', () => {
    // "at" occurs four times, "th" and "he" as often: a < h < t.
    const { merges, tokens } = trainBpe(texts, 300);
    expect(merges.slice(0, 3)).toEqual([
      ['a', 't'],
      ['h', 'e'],
      ['t', 'he'],
    ]);
    expect(tokens.slice(256, 259)).toEqual(['at', 'he', 'the']);
  });

  it('stops when no pair occurs twice', () => {
    const { tokens, merges } = trainBpe(['ab ab cd'], 1000);
    expect(merges).toEqual([['a', 'b']]);
    expect(tokens).toHaveLength(257);
  });

  it('is deterministic, and never exceeds the requested size', () => {
    expect(trainBpe(texts, 270)).toEqual(trainBpe([...texts], 270));
    expect(trainBpe(texts, 260).tokens).toHaveLength(260);
    expect(trainBpe(texts, 256).merges).toEqual([]);
  });
});

describe('a tokenizer built from it', () => {
  it('has the special tokens after the vocabulary', async () => {
    const tokenizer = await tokenizerOf(264);
    const ids = specialIds(trainBpe(texts, 264));
    expect(ids).toEqual({ pad: 264, eos: 266, count: 267 });
    expect(tokenizer.vocabSize).toBe(267);
    expect(tokenizer.padId).toBe(264);
    expect(tokenizer.eosIds).toEqual([266]);
    expect(tokenizer.encode('<|im_end|>')).toEqual([266]);
  });

  it('encodes words by applying the merges in order', async () => {
    const tokenizer = await tokenizerOf(300);
    expect(tokenizer.encode('the cat').map((id) => tokenizer.tokenOf(id))).toEqual(['the', 'Ġcat']);
    expect(tokenizer.encode('你好').map((id) => tokenizer.decode([id]))).toEqual(['你好']);
  });

  it.each([
    'the cat',
    '12 + 30 = 42?',
    '世界，你好！ 🦊 é ü \u00a0',
    ' \r\n\t leading, trailing \n\n',
    '\u0000\u0001\ufeff\u2028',
    "I'm here, they'LL come",
  ])('round-trips %j', async (text) => {
    const tokenizer = await tokenizerOf(290);
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  });

  it('renders chats as ChatML without adding text of its own', async () => {
    const tokenizer = await tokenizerOf(256);
    const messages = [{ role: 'user' as const, content: 'Hi' }];
    expect(renderChat(tokenizer, messages, { addGenerationPrompt: true })).toBe(
      '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n',
    );
  });
});
