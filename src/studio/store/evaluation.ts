import type { ChatAuthor } from '../../hosts/browser/projectsProtocol.ts';
import type { EvaluationSettings } from '../../hosts/browser/dataProtocol.ts';
import { readMetricOptions, readShots, type EvaluationRequest } from '../../hosts/browser/protocol.ts';
import { weightsOf } from './ask.ts';
import { noteOf } from './errorNote.ts';
import { askedSides, authorOf, trainedRef } from './sides.ts';
import { shownRow, votesOnPair } from './votes.ts';
import { busyWith, type SliceOf, type Studio } from './state.ts';
import {
  emptyEvaluation,
  pageMetrics,
  type EvaluationSlice,
  type EvaluationState,
} from './state/evaluation.ts';
import type { SideAnswerer } from './state/tryout.ts';

export const createEvaluationSlice: SliceOf<EvaluationSlice> =
  ({ workers }) =>
  (set, get) => {
    const patch = (changes: Partial<EvaluationState>) =>
      set(({ evaluation }) => ({ evaluation: { ...evaluation, ...changes } }));
    return {
      evaluation: emptyEvaluation,
      setMetrics: (metrics) => patch({ metrics: pageMetrics.filter((name) => metrics.includes(name)) }),
      setEvaluation: (changes) => patch(changes),
      async runEvaluation() {
        if (busyWith(get())) return;
        const { tryout, recipe, model, evaluation } = get();
        const { request } = tryout;
        const answerers = evaluatedAnswerers(get());
        const authors = answerers.map((answerer) => authorOf(get(), answerer));
        patch({
          status: 'reading',
          report: null,
          voting: null,
          problems: [],
          error: null,
          step: null,
          authors,
        });
        try {
          const { metrics, source, file } = evaluation;
          const settings: EvaluationSettings = {
            metrics,
            options: readMetricOptions(metrics, evaluation),
            shots: source === 'file' && metrics.includes('choice') ? readShots(evaluation.shots) : 0,
            maxNewTokens: request.maxNewTokens,
            maxPositions: model.summary?.maxPositions ?? Infinity,
            system: request.system,
            templateArgs: recipe.draft.template_args,
          };
          const { call } = workers.data;
          const { data, problems } =
            source === 'file' && file
              ? await call.fileEvaluation({ kind: 'file', file }, settings, recipe.draft.mask)
              : await call.heldOutEvaluation(settings);
          patch({ problems, status: 'running' });
          const asked: EvaluationRequest = {
            data,
            systems: answerers.map((answerer, i) => ({
              name: nameOf(authors[i]!),
              adapterStrength: answerer.kind === 'base' ? 0 : request.adapterStrength,
              trained: trainedRef(answerer),
            })),
            seed: request.seed,
            weights: weightsOf(recipe.draft),
          };
          const loading = (progress: Studio['tryout']['loading']) =>
            set((state) => ({ tryout: { ...state.tryout, loading: progress } }));
          const report = await workers.engine.call.evaluate(
            asked,
            (step) => get().evaluation.status === 'running' && patch({ step }),
            (progress) => loading(progress.done < progress.total ? progress : null),
          );
          loading(null);
          patch({ report });
        } catch (error) {
          patch({ error: noteOf(error) });
        } finally {
          patch({ status: 'idle', step: null });
          get().announce({ kind: 'answersDone' });
        }
      },
      setVoting: (voting) => patch({ voting }),
      vote(side) {
        const { evaluation } = get();
        const shown = shownRow(evaluation);
        if (!shown) return;
        const { line, prompt, names, answers, swapped } = shown;
        const preferred = side === 'tie' ? 'tie' : (side === 'a') === swapped ? 'second' : 'first';
        patch({ votes: [...evaluation.votes, { line, prompt, names, answers, preferred }] });
      },
      unvote() {
        const { report, voting, votes } = get().evaluation;
        if (!report || !voting) return;
        const own = new Set(votesOnPair(report, voting, votes));
        const last = votes.findLast((vote) => own.has(vote));
        patch({ votes: votes.filter((vote) => vote !== last) });
      },
      async stopEvaluation() {
        patch({ status: 'stopping' });
        // The evaluation reports the same failure itself.
        await workers.engine.call.stopEvaluating().catch(() => undefined);
      },
    };
  };

/** The base, and what answers on either side of the chat besides. */
function evaluatedAnswerers(state: Studio): SideAnswerer[] {
  const others = askedSides(state).map((side) => state.tryout.sides[side]!);
  const known = new Set(['base']);
  const distinct = others.filter((answerer) => {
    const key = answerer.kind === 'base' ? 'base' : JSON.stringify(trainedRef(answerer));
    return !known.has(key) && known.add(key);
  });
  return [{ kind: 'base' }, ...distinct];
}

/** A name for files; the page shows authors in its own language. */
function nameOf({ kind, name, step }: ChatAuthor): string {
  const who = kind === 'base' ? 'base' : (name ?? 'tuned');
  return step === undefined ? who : `${who}, step ${step}`;
}
