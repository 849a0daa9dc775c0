import type { Recipe } from '../../../base/config/recipe.ts';
import { describeStreaming } from '../../../engine/model/weights/streaming.ts';
import { describePreparation } from '../../../engine/train/prepare.ts';
import type { StepEvent, TrainEvent } from '../../../session/events.ts';
import type { TrainOutcome } from '../../../session/trainJob.ts';
import { log } from './terminal.ts';

/** Prints what a training reports on stderr, a line each. */
export function reportTraining(event: TrainEvent): void {
  for (const line of linesOf(event)) log(line);
}

/** Prints how a training ended. */
export function reportEnd(
  { ended, steps, best }: TrainOutcome,
  { objective }: Pick<Recipe, 'objective'>,
): void {
  const measure = objective === 'grpo' ? 'reward' : 'loss';
  if (ended === 'early') log(`Stopped early after step ${steps}: the eval ${measure} stopped improving.`);
  if (best && measure === 'reward')
    log(`The highest eval reward was ${(-best.loss).toFixed(4)} at step ${best.step}.`);
  else if (best) log(`The lowest eval loss was ${best.loss.toFixed(4)} at step ${best.step}.`);
}

function linesOf(event: TrainEvent): string[] {
  switch (event.kind) {
    case 'notCached':
      return [`The 4-bit weights are not cached for the next run: ${event.detail}`];
    case 'loaded': {
      const streaming = describeStreaming(event.streaming, event.layers);
      return streaming === null ? [] : [streaming];
    }
    case 'initializing':
      return event.done === 0
        ? [`Computing the largest singular values of the ${event.total} weights that get an adapter.`]
        : [];
    case 'resumed':
      return [
        ...event.damaged.map(
          ({ file, step }) =>
            `The checkpoint of step ${step ?? '?'} is damaged (${file}); the one before it is taken.`,
        ),
        `Resuming after step ${event.step}.`,
      ];
    case 'firstStep':
      return [`The first step was done ${describePreparation(event.preparation, event.seconds)}`];
    case 'completions': {
      const [best] = event.answers.toSorted((a, b) => (b.reward ?? -Infinity) - (a.reward ?? -Infinity));
      if (!best) return [];
      const reward = best.reward === null ? 'without a reward' : `reward ${best.reward.toFixed(4)}`;
      return [
        `step ${event.step}  the best of ${event.answers.length} answers, ${reward}: ${JSON.stringify(best.text)}`,
      ];
    }
    case 'references':
      return [`Computing the log-probabilities of the reference model for ${event.rows} rows, once.`];
    case 'step':
      return [
        `step ${event.step}/${event.totalSteps}  loss ${event.loss.toFixed(4)}${marginNote(event)}${rewardNote(event)}  lr ${event.lr.toExponential(2)}${skipNote(event)}`,
      ];
    case 'eval':
      return [
        event.reward === undefined
          ? `step ${event.step}  eval loss ${event.loss.toFixed(4)}`
          : `step ${event.step}  eval reward ${event.reward.toFixed(4)}`,
      ];
    case 'takenOver':
      return [
        `${event.error.message} Training continues without checkpoints, and its result is written at the end.`,
      ];
    default:
      return [];
  }
}

function marginNote({ rewards }: StepEvent): string {
  return rewards?.margin === undefined || rewards.margin === null
    ? ''
    : `  margin ${rewards.margin.toFixed(4)}`;
}

function rewardNote({ completions }: StepEvent): string {
  if (!completions) return '';
  const { reward, kl, length } = completions;
  const shown = reward === null ? 'none' : reward.toFixed(4);
  return `  reward ${shown}  length ${length.toFixed(1)}${kl === null ? '' : `  kl ${kl.toFixed(4)}`}`;
}

function skipNote({ skipped, spike }: StepEvent): string {
  if (spike) return '  left out: far above the steps before';
  return skipped ? '  left out: the gradient is not finite' : '';
}
