import type { Recipe } from '../../base/config/recipe.ts';
import { GraftError } from '../../base/lib/errors.ts';
import type {
  GenerateOutcome,
  Progress,
  Prompt,
  PromptTokens,
  WeightSettings,
} from '../../hosts/browser/protocol.ts';
import { trainedRef } from './sides.ts';
import type { StoreDeps, Studio } from './state.ts';
import type { SideAnswerer } from './state/tryout.ts';

/** Minimum interval between text updates, in ms. */
const DRAW_INTERVAL = 50;

/** What is asked, and who answers. */
export interface Question {
  prompt: Prompt;
  answerer: SideAnswerer;
  seed: number;
  /** How many of the likeliest tokens each token is shown with; by default none. */
  alternatives?: number;
}

/** What is heard before the answer is complete. */
export interface Hearing {
  /** The text so far, some times a second. */
  onText(text: string, tokens: number, tokensPerSecond: number | null): void;
  /** Loading of weights; null once they are there. */
  onLoading(progress: Progress | null): void;
}

/**
 * Has a prompt answered, with the sampling settings of the chat. What does not fit into the context is refused before
 * weights are loaded. Throws `infer.*`, `data.template_*`, `runs.*`, `gpu.*`.
 */
export async function ask(
  { workers }: StoreDeps,
  state: Studio,
  { prompt, answerer, seed, alternatives }: Question,
  { onText, onLoading }: Hearing,
): Promise<GenerateOutcome> {
  const tokens = await state.promptTokens(prompt);
  checkRoom(prompt, tokens.ids.length, state.model.summary?.maxPositions ?? Infinity);
  let text = '';
  let count = 0;
  let begun = 0;
  let ended = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const show = () => {
    timer = undefined;
    const seconds = (performance.now() - begun) / 1000;
    onText(text, count, count > 1 && seconds > 0 ? (count - 1) / seconds : null);
  };
  try {
    return await workers.engine.call.generate(
      {
        prompt: tokens,
        ...settingsOf(state, answerer),
        seed,
        ...(alternatives !== undefined && { alternatives }),
      },
      (piece) => {
        // Tokens and the outcome use different ports: a token may arrive later.
        if (ended) return;
        if (count === 0) begun = performance.now();
        text += piece;
        count++;
        timer ??= setTimeout(show, DRAW_INTERVAL);
      },
      (loading) => onLoading(loading.done < loading.total && !ended ? loading : null),
    );
  } finally {
    ended = true;
    clearTimeout(timer);
    onLoading(null);
  }
}

/** Many prompts for one answerer. */
export interface Questions extends Pick<Question, 'answerer' | 'seed'> {
  prompts: readonly PromptTokens[];
}

/**
 * Has prompts answered together, with the sampling settings of the chat. @param onAnswer gets each answer when it has ended
 * Throws as `ask` does; no prompt may be too long.
 */
export async function askMany(
  { workers }: StoreDeps,
  state: Studio,
  { prompts, answerer, seed }: Questions,
  {
    onAnswer,
    onLoading,
  }: { onAnswer(prompt: number, made: GenerateOutcome): void } & Pick<Hearing, 'onLoading'>,
): Promise<(GenerateOutcome | null)[]> {
  let ended = false;
  try {
    return await workers.engine.call.generateMany(
      { prompts: [...prompts], ...settingsOf(state, answerer), seed },
      // Answers and the outcome, which has all of them, use different ports.
      (i, made) => ended || onAnswer(i, made),
      (loading) => onLoading(loading.done < loading.total && !ended ? loading : null),
    );
  } finally {
    ended = true;
    onLoading(null);
  }
}

/** The sampling settings of the chat, and what answers. */
function settingsOf({ tryout, recipe }: Studio, answerer: SideAnswerer) {
  const { maxNewTokens, temperature, topK, topP, repetitionPenalty, adapterStrength } = tryout.request;
  return {
    maxNewTokens,
    temperature,
    topK,
    topP,
    repetitionPenalty,
    adapterStrength: answerer.kind === 'base' ? 0 : adapterStrength,
    trained: trainedRef(answerer),
    weights: weightsOf(recipe.draft),
  };
}

/** Throws `infer.prompt_too_long`, `infer.conversation_too_long` where there is no room for an answer. */
export function checkRoom(prompt: Prompt, length: number, positions: number): void {
  if (length < positions) return;
  const isConversation = prompt.kind === 'chat' && prompt.messages.some(({ role }) => role === 'assistant');
  throw new GraftError(isConversation ? 'infer.conversation_too_long' : 'infer.prompt_too_long', {
    length,
    positions,
  });
}

/** The weights a recipe needs: answers come from the weights that are trained. */
export function weightsOf({ method, double_quant, head, dtype, memory_budget }: Recipe): WeightSettings {
  return { method, double_quant, head, dtype, memory_budget };
}
