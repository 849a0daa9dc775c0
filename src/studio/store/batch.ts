import { GraftError } from '../../base/lib/errors.ts';
import type { AddedMessage, RowPrompt } from '../../hosts/browser/dataProtocol.ts';
import { askMany, checkRoom } from './ask.ts';
import type { GenerateOutcome, PromptTokens } from '../../hosts/browser/protocol.ts';
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

/** Rows that a model answers together. */
const GROUP = 64;

export const createBatchSlice: SliceOf<BatchSlice> = (deps) => (set, get) => {
  const { workers } = deps;
  const patch = (changes: Partial<BatchState>) => set(({ batch }) => ({ batch: { ...batch, ...changes } }));
  const patchRow = (at: number, changes: (row: BatchRow) => Partial<BatchRow>) =>
    patch({
      rows: get().batch.rows.map((row, i) => (i === at ? { ...row, ...changes(row) } : row)),
    });
  let stopped = false;

  const setAnswer = (at: number, side: Side, made: BatchAnswer) =>
    patchRow(at, ({ answers }) => ({ answers: { ...answers, [side]: made } }));

  /** The tokens of a row's prompt; null for one that cannot be asked, whose row says why. */
  const tokensOf = async (at: number, side: Side): Promise<PromptTokens | null> => {
    const prompt = promptOf(get().batch.rows[at]!, get());
    try {
      const tokens = await get().promptTokens(prompt);
      checkRoom(prompt, tokens.ids.length, get().model.summary?.maxPositions ?? Infinity);
      return tokens;
    } catch (error) {
      if (!isOfPrompt(error)) throw error;
      setAnswer(at, side, { kind: 'failed', error: noteOf(error) });
      return null;
    }
  };

  /** Answers the rows of a group that a side has not answered. @param onAnswer called after each */
  const answerGroup = async (group: readonly number[], side: Side, onAnswer: () => void) => {
    const answerer = get().tryout.sides[side]!;
    const by = authorOf(get(), answerer);
    const rows: number[] = [];
    const prompts: PromptTokens[] = [];
    for (const at of group) {
      const tokens = stopped ? null : await tokensOf(at, side);
      if (!tokens) continue;
      rows.push(at);
      prompts.push(tokens);
    }
    if (stopped || prompts.length === 0) return;
    const give = (i: number, { text, tokens, tokensPerSecond, stoppedBy }: GenerateOutcome) => {
      const at = rows[i]!;
      // A part of an answer is none: the row is asked again when the batch resumes.
      if (stoppedBy === 'caller' || get().batch.rows[at]?.answers[side] !== null) return;
      setAnswer(at, side, { kind: 'answer', answer: { text, tokens, tokensPerSecond, stoppedBy, by } });
      onAnswer();
    };
    const outcomes = await askMany(
      deps,
      get(),
      { prompts, answerer, seed: get().tryout.request.seed },
      {
        onAnswer: give,
        onLoading: (loading) => set(({ tryout }) => ({ tryout: { ...tryout, loading } })),
      },
    );
    outcomes.forEach((made, i) => made && give(i, made));
  };

  const run = async () => {
    stopped = false;
    const sides = askedSides(get());
    const start = performance.now();
    let done = 0;
    const onAnswer = () => {
      done++;
      patch({ secondsPerRow: (performance.now() - start) / 1000 / (done / sides.length) });
    };
    patch({ status: 'running', error: null, authors: authorsOf(get()), secondsPerRow: null });
    try {
      const places = [...get().batch.rows.keys()];
      // Side after side in each group: whoever stops has rows that all sides have answered.
      for (let at = 0; at < places.length; at += GROUP) {
        for (const side of sides) {
          const open = places
            .slice(at, at + GROUP)
            .filter((place) => get().batch.rows[place]!.answers[side] === null);
          await answerGroup(open, side, onAnswer);
          if (stopped) return;
        }
      }
    } catch (error) {
      patch({ error: noteOf(error) });
    } finally {
      patch({ status: 'idle' });
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
