import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import type { Gpu } from '../gpu/device.ts';
import { generate } from '../infer/generate.ts';
import { withoutAdapter } from '../model/decoder/decoder.ts';
import type { ModelFiles } from '../model/spec/openModel.ts';
import { closeDecoder, openDecoder, quantizationOf } from '../model/weights/openDecoder.ts';
import type { StepModel } from './stepSpeed.ts';

/** The measured speed of an answer. */
export interface DecodingSpeed {
  /** The decoder. */
  name: string;
  layers: number;
  hidden: number;
  vocab: number;
  /** Weights in 16 bits, or in NF4. */
  weights: 'bf16' | 'nf4';
  /** Tokens of the prompt, and seconds until the first of the answer. */
  promptTokens: number;
  promptSeconds: number;
  /** Tokens of the answer after the first. */
  tokens: number;
  tokensPerSecond: number;
}

/** A prompt, and how many tokens follow. */
interface Length {
  prompt: number;
  answer: number;
}

/**
 * Answers a prompt with a model of random weights, once to compile the kernels and once for the figures, the most
 * probable token each time. Throws what the device reports, and the signal's reason.
 */
export async function measureDecoding(
  gpu: Gpu,
  files: ModelFiles,
  { name, layers, hidden, vocab }: StepModel,
  method: Extract<Recipe['method'], 'lora' | 'qlora'>,
  { prompt, answer }: Length,
  signal: AbortSignal,
): Promise<DecodingSpeed> {
  const quantize = quantizationOf({ ...defaultRecipe(), method });
  const decoder = await openDecoder(gpu, files, 'f32', { quantize });
  try {
    const ids = Array.from({ length: prompt }, (_, i) => (i * 7919) % vocab);
    const times: number[] = [];
    const run = async () => {
      times.length = 0;
      const options = {
        ...{ temperature: 0, topK: 0, topP: 1, seed: 1, endIds: [] },
        maxNewTokens: answer,
        onToken: () => {
          times.push(performance.now());
          return signal.aborted;
        },
      };
      const start = performance.now();
      await generate(decoder, withoutAdapter, ids, options);
      signal.throwIfAborted();
      gpu.throwIfFailed();
      return start;
    };
    await run();
    const start = await run();
    const [first, last] = [times[0]!, times.at(-1)!];
    return {
      ...{ name, layers, hidden, vocab, weights: method === 'qlora' ? 'nf4' : 'bf16' },
      promptTokens: prompt,
      promptSeconds: (first - start) / 1000,
      tokens: times.length - 1,
      tokensPerSecond: ((times.length - 1) / (last - first)) * 1000,
    };
  } finally {
    closeDecoder(decoder);
  }
}
