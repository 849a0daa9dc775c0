import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tokenizer } from '../data/tokenizer.ts';
import { withoutAdapter, type Decoder } from '../model/decoder.ts';
import { closeDecoder, openDecoder } from '../model/openDecoder.ts';
import { openModelFiles } from '../model/openModel.ts';
import { expectGraftError } from '../testing/errors.ts';
import { sharedFolder } from '../testing/golden.ts';
import { testGpu } from '../testing/gpu.ts';
import { fixture, qwenTokenizer, storiesTokenizer } from '../testing/tokenizers.ts';
import { answer, chatPrompt, textPrompt, type AnswerOptions } from './answer.ts';

const greedy: AnswerOptions = {
  ...{ maxNewTokens: 12, seed: 0, temperature: 0, topK: 0, topP: 1 },
  // </s> of stories260k.
  endIds: [2],
};

let stories: Decoder;
let tokenizer: Tokenizer;
beforeAll(async () => {
  const gpu = await testGpu();
  stories = await openDecoder(gpu, await openModelFiles(sharedFolder('models/stories260k')), 'f32');
  tokenizer = await storiesTokenizer();
});
afterAll(() => closeDecoder(stories));

describe('answer', () => {
  it('tells the story of stories260k, piece by piece', async () => {
    const pieces: string[] = [];
    const told = await answer(stories, withoutAdapter, tokenizer, textPrompt(tokenizer, ''), {
      ...greedy,
      maxNewTokens: 90,
      onText: (piece) => void pieces.push(piece),
    });
    expect(told.text).toMatch(
      /^Once upon a time, there was a little girl named Lily\. She loved to play outside in the park\. One day, she saw a big, red ball\. She wanted to play with it, but it was too high\./,
    );
    expect(pieces.join('')).toBe(told.text);
    expect(told.stoppedBy).toBe('length');
    expect(told.tokens).toBe(90);
  });

  it('ends at any of the model’s end tokens', async () => {
    const prompt = textPrompt(tokenizer, 'One day');
    const whole = await answer(stories, withoutAdapter, tokenizer, prompt, greedy);
    const comma = tokenizer.encode(',', { addSpecialTokens: false }).at(-1)!;
    expect(whole.text).toContain(',');
    const ended = await answer(stories, withoutAdapter, tokenizer, prompt, {
      ...greedy,
      endIds: [2, comma],
    });
    expect(ended).toEqual({
      text: whole.text.slice(0, whole.text.indexOf(',')),
      tokens: ended.tokens,
      stoppedBy: 'end',
    });
    expect(ended.tokens).toBeLessThan(whole.tokens);
  });

  it('stops when the person says so, and keeps what was told', async () => {
    let calls = 0;
    const prompt = textPrompt(tokenizer, 'One day');
    const onText = () => ++calls === 3;
    const stopped = await answer(stories, withoutAdapter, tokenizer, prompt, { ...greedy, onText });
    const whole = await answer(stories, withoutAdapter, tokenizer, prompt, greedy);
    expect(stopped).toMatchObject({ tokens: 3, stoppedBy: 'person' });
    expect(whole.text.startsWith(stopped.text)).toBe(true);
  });

  it('stops also where tokens give no text', async () => {
    // As special tokens do, and parts of a character.
    const silent: Tokenizer = { ...tokenizer, pieceBytes: () => new Uint8Array(0) };
    let calls = 0;
    const onText = () => ++calls === 2;
    const stopped = await answer(stories, withoutAdapter, silent, [1], { ...greedy, onText });
    expect(stopped).toEqual({ text: '', tokens: 2, stoppedBy: 'person' });
  });

  it('needs a prompt, or a BOS to begin with', async () => {
    const qwen = await qwenTokenizer();
    expect(textPrompt(tokenizer, '')).toEqual([1]);
    const empty = textPrompt(qwen, '');
    await expectGraftError(() => answer(stories, withoutAdapter, qwen, empty, greedy), 'infer.empty_prompt');
  });

  it('refuses a prompt as long as the context', async () => {
    const prompt = textPrompt(tokenizer, 'a '.repeat(600));
    await expectGraftError(
      () => answer(stories, withoutAdapter, tokenizer, prompt, greedy),
      'infer.prompt_too_long',
      { length: prompt.length, positions: 512 },
    );
  });
});

describe('chatPrompt', () => {
  it('is the model’s template up to where it is to answer', async () => {
    const qwen = await qwenTokenizer(fixture('qwen2.5.jinja'));
    const ids = chatPrompt(qwen, [{ role: 'user', content: 'Hello' }]);
    expect(qwen.decode(ids)).toMatch(/<\|im_start\|>user\nHello<\|im_end\|>\n<\|im_start\|>assistant\n$/);
  });
});
