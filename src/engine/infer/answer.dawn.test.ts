import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stopIds } from '../../content/data/labels/turnEnd.ts';
import { loadTokenizer, type Tokenizer } from '../../content/data/tokenizer/tokenizer.ts';
import { withoutAdapter, type Decoder } from '../model/decoder/decoder.ts';
import { closeDecoder, openDecoder } from '../model/weights/openDecoder.ts';
import { openModelFiles } from '../model/spec/openModel.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { modelFolder, readGolden } from '../../testing/golden.ts';
import { testGpu } from '../../testing/gpu.ts';
import { fixture, llama2Tokenizer, qwenTokenizer } from '../../testing/tokenizers.ts';
import { answer, chatPrompt, textPrompt, type AnswerOptions } from './answer.ts';

const greedy: AnswerOptions = {
  maxNewTokens: 12,
  seed: 0,
  temperature: 0,
  topK: 0,
  topP: 1,
  endIds: [],
};
const reference = readGolden('starter-lora').answer!;

let starter: Decoder;
let tokenizer: Tokenizer;
let prompt: number[];
beforeAll(async () => {
  const gpu = await testGpu();
  const folder = modelFolder('starter');
  starter = await openDecoder(gpu, await openModelFiles(folder), 'f32');
  tokenizer = (await loadTokenizer(folder))!;
  prompt = chatPrompt(tokenizer, [{ role: 'user', content: reference.prompt }]);
});
afterAll(() => closeDecoder(starter));

describe('answer', () => {
  it('is that of transformers, piece by piece', async () => {
    expect(prompt).toEqual(reference.input_ids);
    const pieces: string[] = [];
    const whole = await answer(starter, withoutAdapter, tokenizer, prompt, {
      ...greedy,
      maxNewTokens: 90,
      endIds: stopIds(tokenizer),
      onText: (piece) => void pieces.push(piece),
    });
    // The end is one of the reference's ids, and none of the tokens of an answer.
    const tokens = reference.ids.length - 1;
    expect(whole).toEqual({ text: reference.text, tokens, stoppedBy: 'end' });
    expect(pieces.join('')).toBe(whole.text);
  });

  it('has its tokens with their probabilities where they are asked for', async () => {
    const options = { ...greedy, maxNewTokens: 8, alternatives: 3, repetitionPenalty: 1.3 };
    const { text, tokens, pieces = [] } = await answer(starter, withoutAdapter, tokenizer, prompt, options);
    expect(pieces).toHaveLength(tokens);
    expect(pieces.map((piece) => piece.text).join('')).toBe(text);
    for (const { p, likeliest } of pieces) {
      expect(likeliest).toHaveLength(3);
      expect(likeliest.map((one) => one.p)).toEqual(likeliest.map((one) => one.p).sort((a, b) => b - a));
      expect(p).toBeLessThanOrEqual(likeliest[0]!.p);
      expect(likeliest.reduce((sum, one) => sum + one.p, 0)).toBeLessThanOrEqual(1 + 1e-9);
    }
    // Without a penalty, what is chosen is the likeliest.
    const plain = await answer(starter, withoutAdapter, tokenizer, prompt, {
      ...options,
      repetitionPenalty: 1,
    });
    for (const piece of plain.pieces!) expect(piece.p).toBe(piece.likeliest[0]!.p);
    expect(plain.pieces!.slice(1).map((piece) => piece.text)).toEqual(
      plain.pieces!.slice(1).map((piece) => piece.likeliest[0]!.text),
    );
  });

  it('ends at any of the end tokens that are given', async () => {
    const options = { ...greedy, maxNewTokens: reference.ids.length - 1 };
    const whole = await answer(starter, withoutAdapter, tokenizer, prompt, options);
    expect(whole).toEqual({ text: reference.text, tokens: options.maxNewTokens, stoppedBy: 'length' });
    // The first token after a few that has not been there before.
    const at = reference.ids.findIndex((id, i) => i > 3 && reference.ids.indexOf(id) === i);
    const endIds = [...stopIds(tokenizer), reference.ids[at]!];
    const ended = await answer(starter, withoutAdapter, tokenizer, prompt, { ...options, endIds });
    const text = tokenizer.decode(reference.ids.slice(0, at));
    expect(ended).toEqual({ text, tokens: at, stoppedBy: 'end' });
  });

  it('stops on request, and returns the text so far', async () => {
    let calls = 0;
    const onText = () => ++calls === 3;
    const stopped = await answer(starter, withoutAdapter, tokenizer, prompt, { ...greedy, onText });
    expect(stopped).toMatchObject({ tokens: 3, stoppedBy: 'caller' });
    expect(stopped.text).toBe(tokenizer.decode(reference.ids.slice(0, 3)));
  });

  it('can also stop at tokens without text', async () => {
    // Such as special tokens, and parts of a character.
    const silent: Tokenizer = { ...tokenizer, pieceBytes: () => new Uint8Array(0) };
    let calls = 0;
    const onText = () => ++calls === 2;
    const stopped = await answer(starter, withoutAdapter, silent, [1], { ...greedy, onText });
    expect(stopped).toEqual({ text: '', tokens: 2, stoppedBy: 'caller' });
  });

  it('needs a prompt, or a BOS to begin with', async () => {
    expect(textPrompt(await llama2Tokenizer(), '')).toEqual([1]);
    const empty = textPrompt(tokenizer, '');
    const ask = () => answer(starter, withoutAdapter, tokenizer, empty, greedy);
    await expectGraftError(ask, 'infer.empty_prompt');
  });

  it('refuses a prompt as long as the context', async () => {
    const positions = starter.spec.maxPositions;
    const long = textPrompt(tokenizer, 'a '.repeat(positions));
    await expectGraftError(
      () => answer(starter, withoutAdapter, tokenizer, long, greedy),
      'infer.prompt_too_long',
      { length: long.length, positions },
    );
  });
});

describe('chatPrompt', () => {
  it('is the model’s template up to the start of the answer', async () => {
    const qwen = await qwenTokenizer(fixture('qwen2.5.jinja'));
    const ids = chatPrompt(qwen, [{ role: 'user', content: 'Hello' }]);
    expect(qwen.decode(ids)).toMatch(/<\|im_start\|>user\nHello<\|im_end\|>\n<\|im_start\|>assistant\n$/);
  });
});
