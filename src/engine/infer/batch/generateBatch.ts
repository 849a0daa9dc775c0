import { createRandom, type Random } from '../../../base/lib/random.ts';
import type { AdapterUse, Decoder } from '../../model/decoder/decoder.ts';
import { checkPrompt, generate, type Generated } from '../generate.ts';
import { penalizeRepetition, sample, type SamplingOptions } from '../sampling.ts';
import { freePools, makePools, type BatchSize } from './batchPlan.ts';
import { runStep } from './runStep.ts';
import { Schedule, type ScheduledText } from './schedule.ts';

/** A prompt to be continued, sampled on its own: what else is in the batch changes nothing but rounding. */
export interface BatchRequest extends SamplingOptions {
  prompt: readonly number[];
  maxNewTokens: number;
  seed: number;
  /** Ids that end the text; they are not returned. */
  endIds: readonly number[];
}

export interface BatchOptions {
  /** As `planBatch` says for these requests, or any that has room for the longest of them. */
  plan: BatchSize;
  /** Called with each token; return true to stop that text. */
  onToken?: (request: number, id: number) => boolean | void;
  /** Called when a text has ended. */
  onDone?: (request: number, generated: Generated) => void;
  /** Asked between steps; all texts end as they are. */
  shouldStop?: () => boolean;
}

/** A text that is being generated. */
interface Begun {
  request: BatchRequest;
  random: Random;
  /** Tokens of prompt and answer, for the repetition penalty. */
  seen: Set<number>;
  ids: number[];
  maxTokens: number;
}

/** What a schedule has to know of requests: how long they are, and how long their answers may become. */
export function scheduledTexts(
  decoder: Pick<Decoder, 'spec'>,
  requests: readonly BatchRequest[],
): ScheduledText[] {
  const { maxPositions } = decoder.spec;
  return requests.map(({ prompt, maxNewTokens }) => ({
    prompt,
    maxTokens: Math.min(maxPositions - prompt.length, maxNewTokens),
  }));
}

/** Whether a text decodes together with others: not one whose keys turn otherwise once it is long (longrope). */
export function decodesTogether({ cacheLimit }: Decoder, { prompt, maxTokens }: ScheduledText): boolean {
  return prompt.length + maxTokens <= cacheLimit;
}

/** Whether a token is chosen from its logits alone, as the largest of them. */
export function isGreedy({ temperature, topK, repetitionPenalty = 1 }: SamplingOptions): boolean {
  return (temperature <= 0 || topK === 1) && repetitionPenalty === 1;
}

/**
 * Continues many prompts together, as `generate` continues each: greedy answers are the same tokens. Prompts wait until
 * others end; what they begin with alike is computed once. What cannot decode together is generated one after another.
 * Throws `infer.empty_prompt`, `infer.prompt_too_long` before any is generated.
 */
export async function generateBatch(
  decoder: Decoder,
  use: AdapterUse,
  requests: readonly BatchRequest[],
  options: BatchOptions,
): Promise<Generated[]> {
  for (const { prompt } of requests) checkPrompt(decoder.spec, prompt);
  const { plan, onToken, onDone, shouldStop = () => false } = options;
  const results = requests.map((): Generated => ({ ids: [], stoppedBy: 'caller' }));
  const texts = scheduledTexts(decoder, requests);
  const finish = (request: number, generated: Generated) => {
    results[request] = generated;
    onDone?.(request, generated);
  };
  const together: number[] = [];
  for (const [i, text] of texts.entries()) {
    if (text.maxTokens === 0) finish(i, { ids: [], stoppedBy: 'length' });
    else if (decodesTogether(decoder, text)) together.push(i);
  }
  await decodeTogether(decoder, use, {
    requests: together.map((i) => requests[i]!),
    texts: together.map((i) => texts[i]!),
    plan,
    onToken: (i, id) => onToken?.(together[i]!, id) === true,
    onDone: (i, generated) => finish(together[i]!, generated),
    shouldStop,
  });
  for (const [i, text] of texts.entries()) {
    if (text.maxTokens === 0 || decodesTogether(decoder, text) || shouldStop()) continue;
    const { prompt, ...request } = requests[i]!;
    const alone = { ...request, onToken: (id: number) => onToken?.(i, id) === true || shouldStop() };
    finish(i, await generate(decoder, use, prompt, alone));
  }
  return results;
}

async function decodeTogether(
  decoder: Decoder,
  use: AdapterUse,
  of: {
    requests: readonly BatchRequest[];
    texts: readonly ScheduledText[];
    plan: BatchSize;
    onToken: (request: number, id: number) => boolean;
    onDone: (request: number, generated: Generated) => void;
    shouldStop: () => boolean;
  },
): Promise<void> {
  const { requests, texts, plan, shouldStop } = of;
  if (requests.length === 0) return;
  const begun = requests.map((request, i): Begun => {
    const { seed, prompt } = request;
    return {
      request,
      random: createRandom(seed),
      seen: new Set(prompt),
      ids: [],
      maxTokens: texts[i]!.maxTokens,
    };
  });
  const choice = requests.every(isGreedy) ? 'largest' : 'logits';
  const schedule = new Schedule(texts, plan);
  const pools = makePools(decoder, plan.size);
  const vocab = decoder.spec.vocabSize;
  try {
    while (!schedule.done) {
      if (shouldStop()) {
        // What has begun ends here; the rest never began.
        begun.forEach(({ ids }, i) => ids.length > 0 && of.onDone(i, { ids, stoppedBy: 'caller' }));
        return;
      }
      const parts = schedule.next();
      const { largest, logits } = await runStep(decoder, use, parts, pools, choice);
      const wanted = parts.flatMap(({ request }) => request ?? []);
      wanted.forEach((i, row) => {
        const text = begun[i]!;
        const id = largest
          ? largest[row]!
          : sampledFrom(logits!.subarray(row * vocab, (row + 1) * vocab), text);
        const stoppedBy = endOf(text, id, () => of.onToken(i, id));
        if (!stoppedBy) return schedule.append(i, id);
        schedule.end(i);
        of.onDone(i, { ids: text.ids, stoppedBy });
        // Not reported again where the caller stops all.
        begun[i] = { ...text, ids: [] };
      });
    }
  } finally {
    freePools(decoder.gpu, pools);
  }
}

function sampledFrom(logits: Float32Array, { request, random, seen }: Begun): number {
  const { repetitionPenalty = 1 } = request;
  if (repetitionPenalty !== 1) penalizeRepetition(logits, seen, repetitionPenalty);
  return sample(logits, request, random);
}

/** Takes the next token in, as `generate` does; returns why the text ends with it. */
function endOf(text: Begun, id: number, report: () => boolean): Generated['stoppedBy'] | null {
  if (text.request.endIds.includes(id)) return 'end';
  text.ids.push(id);
  text.seen.add(id);
  if (report()) return 'caller';
  return text.ids.length === text.maxTokens ? 'length' : null;
}
