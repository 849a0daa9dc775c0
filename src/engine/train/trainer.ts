import { GraftError } from '../../base/lib/errors.ts';
import { largestToken } from '../../content/data/tokens/checkTokenRows.ts';
import { sequencesOf } from '../../content/data/tokens/preferenceColumn.ts';
import type { StepPlan } from '../../content/data/tokens/batches.ts';
import type { TokenRows } from '../../content/data/tokens/tokenRows.ts';
import { isStreamed, lengthsOf, rowsInMemory, type TrainRows } from '../../content/data/tokens/trainRows.ts';
import type { DecoderSpec } from '../model/spec/spec.ts';
import { withSmallerBatch } from './longestBatch.ts';
import { checkObjective } from './checkObjective.ts';
import { preferenceStep } from './preference/preferenceStep.ts';
import { checkEvaluation, ranOutOfPatience } from './evalTracker.ts';
import { RunEvaluations } from './runEvaluations.ts';
import { pipelinedSteps, type FinishedStep } from './pipelinedSteps.ts';
import { noteStep } from './trainProgress.ts';
import { RankGrowth } from './rankGrowth.ts';
import type { SampledSteps } from './grpo/sampledSteps.ts';
import { stepsOf } from './steps.ts';
import type { StepReport, TrainOptions, TrainOutcome } from './trainOptions.ts';
import { TrainingState } from './trainingState.ts';
import { StepRunner } from './trainStep.ts';

export type { Checkpoints, StepReport, TrainOptions, TrainOutcome } from './trainOptions.ts';

/** Steps in a row with a gradient that is not finite, after which the run has diverged. */
const MAX_SKIPPED = 5;

/**
 * Runs a recipe. The same recipe, data, weights and adapter give the same bits on the same GPU, also when the run is
 * resumed in between.
 * Throws `train.no_rows`, `train.no_eval_rows`, `train.row_too_long`, `train.token_beyond_model`, `train.batch_too_large`, `train.row_too_large`,
 * `train.kto_one_row`, `train.objective_refuses`, `train.no_rewards`, `train.reward_failed`, `train.diverged`, `train.not_finite`, `train.resume_*`, and what saving throws.
 */
export async function train(given: TrainOptions): Promise<TrainOutcome> {
  const options = { ...given, dataset: checkedRows(given.dataset, given.decoder.spec) };
  const { decoder, adapter, recipe, dataset, evalDataset, resume } = options;
  const lengths = lengthsOf(dataset);
  checkRows(dataset, lengths, decoder.spec);
  if (evalDataset) checkTokens(evalDataset, decoder.spec);
  checkObjective(recipe);
  checkEvaluation(recipe, evalDataset !== null);
  const plan = stepsOf(recipe, lengths);
  const growth = await RankGrowth.begin(adapter, recipe, resume?.step ?? 1);
  const preference =
    recipe.objective === 'sft' && isStreamed(dataset)
      ? null
      : await preferenceStep(
          decoder,
          recipe,
          rowsInMemory(dataset, recipe.objective),
          lengths,
          options.onReferences,
        ).catch((error: unknown) => {
          throw withSmallerBatch(error, recipe);
        });
  const sampled = await sampledSteps(options, plan);
  const objective = sampled?.objective ?? preference;
  const runner = new StepRunner(decoder, adapter, recipe.optimizer, recipe.kept_inputs, objective);
  try {
    const state = await TrainingState.open(options, runner, sampled);
    const { progress } = state;
    const evaluations = new RunEvaluations(options, state, sampled);
    const ended = () => progress.step >= plan.steps || ranOutOfPatience(progress, recipe);
    let stopped = false;
    if (!resume) await evaluations.before();
    for await (const done of pipelinedSteps(options, { runner, growth, plan, sampled, progress, ended })) {
      const { step, profiler } = done;
      noteStep(progress, done);
      options.onStep(reportOf(done, plan.steps));
      if (profiler) options.onProfile?.(step, await profiler.finish());
      if (progress.skippedInARow >= MAX_SKIPPED)
        throw new GraftError('train.diverged', { step, count: MAX_SKIPPED });
      stopped = options.shouldStop();
      const isBest = await evaluations.after(done, step === plan.steps);
      if (await state.checkpoint(ended() || stopped, isBest)) {
        await done.settled();
        await options.onCheckpoint?.(step);
      }
      if (stopped) break;
    }
    const { step: steps, loss, best } = progress;
    const cut = steps < plan.steps;
    const ending = { stopped: stopped && cut, stoppedEarly: !stopped && cut };
    return { steps, ...ending, finalLoss: loss ?? Number.NaN, best, resultStep: evaluations.loadResult() };
  } finally {
    runner.dispose();
    await growth.end();
  }
}

/** What samples the steps of a run by GRPO, the code for which is loaded where one begins; null for others. */
async function sampledSteps(options: TrainOptions, plan: StepPlan): Promise<SampledSteps | null> {
  if (options.recipe.objective !== 'grpo') return null;
  const grpo = await import('./grpo/index.ts');
  return new grpo.SampledSteps(options, plan);
}

function reportOf(
  { step, loss, gradNorm, lr, counts, contextTokens, skipped, spike }: FinishedStep,
  totalSteps: number,
): StepReport {
  const { targets: tokens, rewards, completions } = counts;
  return {
    step,
    totalSteps,
    loss,
    gradNorm,
    lr,
    tokens,
    contextTokens,
    skipped,
    spike,
    ...(rewards && { rewards }),
    ...(completions && { completions }),
  };
}

function checkRows(dataset: TrainRows, lengths: Uint32Array, spec: DecoderSpec): void {
  if (lengths.length === 0) throw new GraftError('train.no_rows');
  let longest = 0;
  for (let row = 0; row < lengths.length; row++) {
    if (isStreamed(dataset)) longest = Math.max(longest, lengths[row]!);
    else for (const { start, end } of sequencesOf(dataset, row)) longest = Math.max(longest, end - start);
  }
  const { maxPositions: positions } = spec;
  if (longest > positions) throw new GraftError('train.row_too_long', { length: longest, positions });
  if (!isStreamed(dataset)) checkTokens(dataset, spec);
}

/** Streamed rows, whose tokens are checked as they are read. */
function checkedRows(dataset: TrainRows, spec: DecoderSpec): TrainRows {
  if (!isStreamed(dataset)) return dataset;
  return {
    ...dataset,
    async read(rows) {
      const read = await dataset.read(rows);
      checkTokens(read, spec);
      return read;
    },
  };
}

/** Rows of a run or a job that others wrote may have tokens that no tokenizer of the model gives. */
function checkTokens(dataset: TokenRows, { vocabSize }: DecoderSpec): void {
  const id = largestToken(dataset);
  if (id >= vocabSize) throw new GraftError('train.token_beyond_model', { id, vocabSize });
}
