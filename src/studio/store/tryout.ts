import { ask } from './ask.ts';
import {
  messagesOf,
  newTurn,
  nextQuestion,
  promptOf,
  seedOf,
  withAnswer,
  withEdit,
  withRetry,
} from './conversation.ts';
import { keepPieces } from './pieces.ts';
import { noteOf } from './errorNote.ts';
import { isModelOpen } from './runs.ts';
import { askedSides, authorOf } from './sides.ts';
import { busyWith, type SliceOf } from './state.ts';
import {
  emptyTryout,
  type Side,
  type SideAnswerer,
  type SideCheckpoint,
  type TryoutSlice,
  type TryoutState,
} from './state/tryout.ts';

/** Runs whose checkpoints are offered, the newest first: a list of hundreds is no choice. */
const MAX_RUNS = 12;

/** The likeliest tokens that are shown at each place of an answer. */
const ALTERNATIVES = 5;

export const createTryoutSlice: SliceOf<TryoutSlice> = (deps) => (set, get) => {
  const { workers } = deps;
  const patch = (changes: Partial<TryoutState>) =>
    set(({ tryout }) => ({ tryout: { ...tryout, ...changes } }));
  let stopped = false;
  /** The model whose template or tokenizer has failed: it is not run again with each keystroke. */
  let unmeasured: unknown = null;
  let measuring = 0;

  const answer = async (turn: number, side: Side, answerer: SideAnswerer) => {
    const { turns, request } = get().tryout;
    const { template_args: templateArgs } = get().recipe.draft;
    const by = authorOf(get(), answerer);
    patch({ status: side, writing: { turn, side, text: '', tokens: 0, tokensPerSecond: null } });
    try {
      const { text, tokens, tokensPerSecond, stoppedBy, pieces } = await ask(
        deps,
        get(),
        {
          prompt: promptOf(turns, turn, side, request.system, templateArgs),
          answerer,
          seed: seedOf(request.seed, turns[turn]!),
          alternatives: ALTERNATIVES,
        },
        {
          onText: (soFar, count, speed) =>
            patch({ writing: { turn, side, text: soFar, tokens: count, tokensPerSecond: speed } }),
          onLoading: (loading) => patch({ loading }),
        },
      );
      const made = { text, tokens, tokensPerSecond, stoppedBy, by };
      if (pieces) keepPieces(made, pieces);
      patch({ turns: withAnswer(get().tryout.turns, turn, side, made), writing: null });
    } catch (error) {
      patch({ writing: null, failed: { turn, side, error: noteOf(error) } });
      stopped = true;
    }
  };

  /** Answers all that has no answer, until one fails or the user stops. */
  const answerAll = async () => {
    stopped = false;
    patch({ failed: null, same: false });
    for (;;) {
      const { turns, sides } = get().tryout;
      const next = stopped ? null : nextQuestion(turns, askedSides(get()));
      const answerer = next && sides[next.side];
      if (!answerer) break;
      await answer(next.turn, next.side, answerer);
    }
    patch({ status: 'idle', loading: null });
    get().announce({ kind: 'answersDone' });
    void get().measureContext();
  };

  return {
    tryout: emptyTryout,
    setRequest: (changes) => patch({ request: { ...get().tryout.request, ...changes } }),
    setSide(side, answerer) {
      if (busyWith(get()) === 'generate') return;
      const { sides } = get().tryout;
      if (side === 'left') patch({ sides: { ...sides, left: answerer ?? { kind: 'base' } } });
      else patch({ sides: { ...sides, right: answerer } });
    },
    async send() {
      if (busyWith(get())) return;
      const { request, turns } = get().tryout;
      const kind = request.continueText ? 'text' : 'chat';
      if (kind === 'chat' && request.prompt.trim() === '') return;
      patch({
        turns: [...turns, newTurn(kind, request.prompt)],
        request: { ...request, prompt: '' },
        dropped: null,
        fit: null,
      });
      await answerAll();
    },
    async answerRest() {
      if (!busyWith(get())) await answerAll();
    },
    async regenerate() {
      const { turns } = get().tryout;
      if (busyWith(get()) || turns.length === 0) return;
      const before = turns.at(-1)!.answers;
      patch({ turns: withRetry(turns) });
      await answerAll();
      const after = get().tryout.turns.at(-1)?.answers;
      const sides = askedSides(get());
      const same = sides.every((side) => after?.[side] && after[side].text === before[side]?.text);
      patch({ same: same && sides.length > 0 });
    },
    async editTurn(turn, text) {
      const { turns } = get().tryout;
      if (busyWith(get()) || turn >= turns.length) return;
      const n = turns.length - 1 - turn;
      patch({
        turns: withEdit(turns, turn, text),
        dropped: n > 0 ? { turns, n, by: 'edit' } : null,
        fit: null,
      });
      await answerAll();
    },
    clearChat() {
      const { turns } = get().tryout;
      if (busyWith(get()) === 'generate' || turns.length === 0) return;
      const dropped = { turns, n: turns.length, by: 'clear' as const };
      patch({ turns: [], dropped, failed: null, same: false, added: null, addError: null, fit: null });
      void get().measureContext();
    },
    undrop() {
      const { dropped } = get().tryout;
      if (!dropped || busyWith(get()) === 'generate') return;
      patch({ turns: dropped.turns, dropped: null, failed: null, same: false, added: null });
      void get().measureContext();
    },
    async stopAnswering() {
      stopped = true;
      try {
        await workers.engine.call.stopGenerating();
      } catch {
        // The current answer reports the same failure itself.
      }
    },
    async measureContext() {
      const { model, tryout, recipe } = get();
      const { request, turns } = tryout;
      const positions = model.summary?.maxPositions;
      const mine = ++measuring;
      const isEmpty = request.prompt.trim() === '' && turns.length === 0;
      const unusable = model.tokenizer === 'none' || unmeasured === model.source || tryout.status !== 'idle';
      if (positions === undefined || isEmpty || unusable) return patch({ fit: null });
      const asked = [...turns, newTurn(request.continueText ? 'text' : 'chat', request.prompt)];
      try {
        const lengths: number[] = [];
        for (const side of askedSides(get())) {
          const prompt = promptOf(asked, turns.length, side, request.system, recipe.draft.template_args);
          lengths.push((await get().promptTokens(prompt)).ids.length);
        }
        if (mine === measuring) patch({ fit: { tokens: Math.max(...lengths), positions } });
      } catch (error) {
        // Sending shows why. A template that hangs is not to hang with each keystroke; one that refuses is quick.
        if (noteOf(error).code !== 'data.template_refused') unmeasured = model.source;
        if (mine === measuring) patch({ fit: null });
      }
    },
    async readSides() {
      const found: SideCheckpoint[] = [];
      const { entries } = get().runs;
      const own = entries.filter(({ head }) => head && isModelOpen(get(), head)).slice(0, MAX_RUNS);
      for (const { id, head } of own) {
        // One that cannot be read is no choice; the history shows what is wrong with it.
        const detail = await workers.engine.call.runDetail(id).catch(() => null);
        for (const { step, evalLoss, best } of detail?.checkpoints.toReversed() ?? [])
          found.push({ run: id, name: head!.name, step, evalLoss, best });
      }
      patch({ checkpoints: found });
    },
    async addAnswer(turn, side) {
      const { turns, request } = get().tryout;
      const answered = turns[turn]?.answers[side];
      if (!answered || busyWith(get())) return;
      const messages = messagesOf(turns, turn, side, request.system);
      patch({ addError: null, added: null });
      try {
        const position = await get().addRow([...messages, { role: 'assistant', content: answered.text }]);
        patch({ added: { turn, side, position } });
      } catch (error) {
        patch({ addError: noteOf(error) });
      }
    },
  };
};
