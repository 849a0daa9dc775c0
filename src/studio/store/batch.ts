import { GraftError } from '../../base/lib/errors.ts';
import type { AddedMessage, RowPrompt } from '../../hosts/browser/dataProtocol.ts';
import { ask } from './ask.ts';
import { noteOf } from './errorNote.ts';
import { askedSides, authorOf, sameAuthor } from './sides.ts';
import { busyWith, type SliceOf, type Studio } from './state.ts';
import {
  emptyBatch,
  type BatchAnswer,
  type BatchRow,
  type BatchSlice,
  type BatchState,
} from './state/batch.ts';
import { sideIds, type Side } from './state/tryout.ts';

export const createBatchSlice: SliceOf<BatchSlice> = (deps) => (set, get) => {
  const { workers } = deps;
  const patch = (changes: Partial<BatchState>) => set(({ batch }) => ({ batch: { ...batch, ...changes } }));
  const patchRow = (at: number, changes: (row: BatchRow) => Partial<BatchRow>) =>
    patch({
      rows: get().batch.rows.map((row, i) => (i === at ? { ...row, ...changes(row) } : row)),
    });
  let stopped = false;

  const answer = async (row: BatchRow, side: Side): Promise<BatchAnswer> => {
    const answerer = get().tryout.sides[side]!;
    const by = authorOf(get(), answerer);
    try {
      const outcome = await ask(
        deps,
        get(),
        { prompt: promptOf(row, get()), answerer, seed: get().tryout.request.seed },
        {
          onText: () => undefined,
          onLoading: (loading) => set(({ tryout }) => ({ tryout: { ...tryout, loading } })),
        },
      );
      // A part of an answer is none: the row is asked again when the batch resumes.
      if (outcome.stoppedBy === 'caller') return null;
      const { text, tokens, tokensPerSecond, stoppedBy } = outcome;
      return { kind: 'answer', answer: { text, tokens, tokensPerSecond, stoppedBy, by } };
    } catch (error) {
      if (!isOfPrompt(error)) throw error;
      return { kind: 'failed', error: noteOf(error) };
    }
  };

  const run = async () => {
    stopped = false;
    const sides = askedSides(get());
    let seconds = 0;
    let done = 0;
    patch({ status: 'running', error: null, authors: authorsOf(get()), secondsPerRow: null });
    try {
      for (const at of get().batch.rows.keys()) {
        const open = sides.filter((side) => get().batch.rows[at]!.answers[side] === null);
        if (open.length === 0) continue;
        const start = performance.now();
        patch({ at });
        for (const side of open) {
          if (stopped) return;
          const made = await answer(get().batch.rows[at]!, side);
          if (made === null) return;
          patchRow(at, ({ answers }) => ({ answers: { ...answers, [side]: made } }));
        }
        seconds += (performance.now() - start) / 1000;
        done++;
        patch({ secondsPerRow: seconds / done });
      }
    } catch (error) {
      patch({ error: noteOf(error) });
    } finally {
      patch({ status: 'idle', at: null });
      get().announce({ kind: 'answersDone' });
    }
  };

  return {
    batch: emptyBatch,
    setBatch: (changes) => patch(changes),
    async runBatch() {
      if (busyWith(get())) return;
      const { source, pasted } = get().batch;
      patch({ status: 'reading', rows: [], skipped: 0, problems: [], error: null, authors: null });
      try {
        const { call } = workers.data;
        const { prompts, skipped, problems } = await (source === 'heldOut'
          ? call.heldOutPrompts()
          : call.readPrompts(pasted));
        const rows = prompts.map((prompt): BatchRow => ({
          prompt,
          answers: { left: null, right: null },
          added: [],
        }));
        patch({ rows, skipped, problems, status: 'idle' });
      } catch (error) {
        return patch({ status: 'idle', error: noteOf(error) });
      }
      if (get().batch.rows.length > 0) await run();
    },
    async resumeBatch() {
      if (!busyWith(get()) && canResumeBatch(get())) await run();
    },
    async stopBatch() {
      stopped = true;
      // The current answer reports the same failure itself.
      await workers.engine.call.stopGenerating().catch(() => undefined);
    },
    async addBatchAnswer(at, side) {
      const row = get().batch.rows[at];
      const made = row?.answers[side];
      if (!row || made?.kind !== 'answer' || busyWith(get())) return;
      patch({ error: null });
      try {
        await get().addRow([...askedMessages(row, get()), { role: 'assistant', content: made.answer.text }]);
        patchRow(at, ({ added }) => ({ added: [...added, side] }));
      } catch (error) {
        patch({ error: noteOf(error) });
      }
    },
  };
};

/** Whether the batch has prompts without an answer, and the same answer them as when it began. */
export function canResumeBatch(state: Studio): boolean {
  const { authors, rows } = state.batch;
  const sides = askedSides(state);
  if (!authors || sides.length === 0) return false;
  const now = authorsOf(state);
  const same = sideIds.every((side) => {
    const [before, after] = [authors[side], now[side]];
    return before && after ? sameAuthor(before, after) : before === after;
  });
  return same && rows.some(({ answers }) => sides.some((side) => answers[side] === null));
}

/** How many rows all sides have answered. */
export function answeredRows({ rows, authors }: BatchState): number {
  const sides = sideIds.filter((side) => authors?.[side]);
  return rows.filter(({ answers }) => sides.every((side) => answers[side] !== null)).length;
}

function authorsOf(state: Studio): NonNullable<BatchState['authors']> {
  return Object.fromEntries(
    askedSides(state).map((side) => [side, authorOf(state, state.tryout.sides[side]!)]),
  );
}

/** What a row asks: with the system message of the chat, where it has none of its own. */
function promptOf({ prompt: { prompt } }: BatchRow, { tryout, recipe }: Studio): RowPrompt['prompt'] {
  const { system } = tryout.request;
  const hasOwn = prompt.messages.some(({ role }) => role === 'system' || role === 'developer');
  return {
    ...prompt,
    messages:
      hasOwn || system.trim() === ''
        ? prompt.messages
        : [{ role: 'system', content: system }, ...prompt.messages],
    templateArgs: { ...recipe.draft.template_args, ...prompt.templateArgs },
  };
}

function askedMessages(row: BatchRow, state: Studio): AddedMessage[] {
  const prompt = promptOf(row, state);
  return prompt.messages.map(({ role, content }) => ({ role: role as AddedMessage['role'], content }));
}

/** Whether it is the prompt that is at fault, so that the next one may be answered. */
function isOfPrompt(error: unknown): boolean {
  if (!(error instanceof GraftError)) return false;
  return error.code === 'data.template_refused' || /^infer\.(empty_prompt|.*_too_long)$/.test(error.code);
}
