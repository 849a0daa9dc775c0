import type { Recipe } from '../config/recipe.ts';
import type {
  GenerateOutcome,
  GenerateRequest,
  Progress,
  Prompt,
  WeightSettings,
} from '../workers/protocol.ts';
import { noteOf, type ErrorNote } from './errorNote.ts';
import { busyWith, type SliceOf } from './state.ts';

/** What a person asks, and how the answer is drawn. */
export type TryRequest = Omit<GenerateRequest, 'prompt' | 'weights'> & {
  system: string;
  prompt: string;
  /** The prompt is the beginning of a text, not a message to be answered. */
  continueText: boolean;
};

export interface Answer {
  text: string;
  outcome: GenerateOutcome | null;
  error: ErrorNote | null;
}

export type Side = 'base' | 'tuned';

export interface TryoutState {
  request: TryRequest;
  /** The side that is answering. */
  status: 'idle' | Side;
  /** Weights on their way to the GPU, for the first answer. */
  loading: Progress | null;
  base: Answer | null;
  tuned: Answer | null;
}

export interface TryoutSlice {
  tryout: TryoutState;
  setRequest(changes: Partial<TryRequest>): void;
  /** Asks the base model, then the tuned one where there is an adapter, with the same seed. */
  compare(): Promise<void>;
  stopAnswering(): Promise<void>;
  /** Clears the answers: they were another adapter's. */
  forgetAnswers(): void;
}

export const emptyTryout: TryoutState = {
  request: {
    system: '',
    prompt: '',
    continueText: false,
    maxNewTokens: 128,
    temperature: 0,
    topK: 0,
    topP: 1,
    seed: 42,
    adapterStrength: 1,
  },
  status: 'idle',
  loading: null,
  base: null,
  tuned: null,
};

/** Text is shown at most this often, in ms. */
const DRAW_INTERVAL = 50;

export const createTryoutSlice: SliceOf<TryoutSlice> =
  ({ workers }) =>
  (set, get) => {
    const patch = (changes: Partial<TryoutState>) =>
      set(({ tryout }) => ({ tryout: { ...tryout, ...changes } }));
    let stopped = false;

    const answer = async (side: Side, request: TryRequest) => {
      const { maxNewTokens, temperature, topK, topP, seed } = request;
      let text = '';
      let ended = false;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const show = (outcome: GenerateOutcome | null, error: ErrorNote | null) => {
        clearTimeout(timer);
        timer = undefined;
        patch({ [side]: { text, outcome, error } });
      };
      patch({ status: side, [side]: { text, outcome: null, error: null } });
      const adapterStrength = side === 'base' ? 0 : request.adapterStrength;
      try {
        const prompt = await get().promptTokens(promptOf(request, get().recipe.draft.template_args));
        const outcome = await workers.engine.call.generate(
          {
            ...{ prompt, maxNewTokens, temperature, topK, topP, seed, adapterStrength },
            weights: weightsOf(get().recipe.draft),
          },
          (piece) => {
            // Pieces and the outcome come by different ports: a piece may be the later.
            if (ended) return;
            text += piece;
            timer ??= setTimeout(() => show(null, null), DRAW_INTERVAL);
          },
          (loading) => patch({ loading: loading.done < loading.total && !ended ? loading : null }),
        );
        ended = true;
        text = outcome.text;
        show(outcome, null);
      } catch (error) {
        ended = true;
        show(null, noteOf(error));
        stopped = true;
      }
    };

    return {
      tryout: emptyTryout,
      setRequest: (changes) => patch({ request: { ...get().tryout.request, ...changes } }),
      async compare() {
        if (busyWith(get())) return;
        const { request } = get().tryout;
        stopped = false;
        patch({ base: null, tuned: null });
        await answer('base', request);
        if (get().adapter && !stopped) await answer('tuned', request);
        patch({ status: 'idle', loading: null });
        get().announce({ kind: 'answersDone' });
      },
      forgetAnswers: () => patch({ base: null, tuned: null }),
      async stopAnswering() {
        stopped = true;
        try {
          await workers.engine.call.stopGenerating();
        } catch {
          // The answer under way reports the same failure in its own place.
        }
      },
    };
  };

/** How a recipe wants the weights: those that answer are those that are trained. */
function weightsOf({ method, double_quant, dtype, memory_budget }: Recipe): WeightSettings {
  return { method, double_quant, dtype, memory_budget };
}

function promptOf(
  { system, prompt, continueText }: TryRequest,
  templateArgs: Recipe['template_args'],
): Prompt {
  if (continueText) return { kind: 'text', text: prompt };
  const user = { role: 'user' as const, content: prompt };
  const messages = system.trim() ? [{ role: 'system' as const, content: system }, user] : [user];
  return { kind: 'chat', messages, templateArgs };
}
