import { repeatsItself } from './repetition.ts';

/** A training as its end is judged by. */
export interface JudgedRun {
  /** Training losses in order; null where a loss was not a number. */
  losses: readonly (number | null)[];
  /** Losses on held-out rows, in order; step 0 is before training. */
  evaluations: readonly { step: number; loss: number }[];
  /** The step whose parameters are the result. */
  resultStep: number;
  /** Answers to the sample prompts, in order; step 0 is before training. */
  samples: readonly { step: number; prompt: string; text: string }[];
}

/** What training did to the loss, and how it is known. */
export interface LossChange {
  /** `evaluation`: on held-out rows, before and after; `training`: means of the first and the last tenth of the steps. */
  measured: 'evaluation' | 'training';
  before: number;
  after: number;
}

/** What a training came to. */
export interface Verdict {
  /** `unknown`: there are too few losses to say. */
  result: 'better' | 'same' | 'worse' | 'unknown';
  change: LossChange | null;
  /** The held-out loss was lowest at this step and has risen clearly since; null where it has not. */
  overfitSince: { step: number; loss: number } | null;
  /** The prompt whose answer repeats itself at the end, though it did not before; null where none does. */
  repetition: { prompt: string } | null;
  /** The one thing to do next. */
  next: 'tryIt' | 'lowerRate' | 'raiseRate' | 'fewerSteps' | 'moreRows';
}

/** Changes of the loss below this part of it are none: two evaluations of a short file differ by as much. */
const SAME = 0.01;

/** A rise above the lowest held-out loss, as a part of it, from which a run has trained too long. */
const OVERFIT = 0.03;

/** Steps from which the first and the last tenth say something. */
const ENOUGH_STEPS = 10;

/** Judges a training that has ended: by held-out rows where there are any, otherwise by tenths of the run. */
export function judge(run: JudgedRun): Verdict {
  const change = evaluationChange(run) ?? trainingChange(run);
  const result = change ? resultOf(change) : 'unknown';
  const overfitSince = overfit(run);
  const repetition = repeating(run);
  return { result, change, overfitSince, repetition, next: nextOf(result, overfitSince, repetition) };
}

function evaluationChange({ evaluations, resultStep }: JudgedRun): LossChange | null {
  const before = evaluations.find(({ step }) => step === 0)?.loss;
  const trained = evaluations.filter(({ step }) => step > 0);
  const after = (trained.find(({ step }) => step === resultStep) ?? trained.at(-1))?.loss;
  return before === undefined || after === undefined ? null : { measured: 'evaluation', before, after };
}

function trainingChange({ losses }: JudgedRun): LossChange | null {
  if (losses.length < ENOUGH_STEPS) return null;
  const tenth = Math.max(1, Math.floor(losses.length / 10));
  const [before, after] = [mean(losses.slice(0, tenth)), mean(losses.slice(-tenth))];
  return { measured: 'training', before, after };
}

function resultOf({ before, after }: LossChange): Verdict['result'] {
  if (!Number.isFinite(after)) return 'worse';
  if (!Number.isFinite(before)) return 'unknown';
  const change = after / before - 1;
  return Math.abs(change) < SAME ? 'same' : change < 0 ? 'better' : 'worse';
}

/** Where the held-out loss was lowest, if the result is clearly above it. */
function overfit({ evaluations, resultStep }: JudgedRun): Verdict['overfitSince'] {
  const trained = evaluations.filter(({ step, loss }) => step > 0 && Number.isFinite(loss));
  const after = trained.find(({ step }) => step === resultStep) ?? trained.at(-1);
  const lowest = trained.reduce<{ step: number; loss: number } | null>(
    (best, one) => (best === null || one.loss < best.loss ? one : best),
    null,
  );
  if (!after || !lowest || lowest.step >= after.step) return null;
  return after.loss > lowest.loss * (1 + OVERFIT) ? { step: lowest.step, loss: lowest.loss } : null;
}

function repeating({ samples }: JudgedRun): Verdict['repetition'] {
  const last = Math.max(0, ...samples.map(({ step }) => step));
  const before = new Set(
    samples.filter((one) => one.step === 0 && repeatsItself(one.text)).map(({ prompt }) => prompt),
  );
  const found = samples.find(
    ({ step, prompt, text }) => step === last && step > 0 && !before.has(prompt) && repeatsItself(text),
  );
  return found ? { prompt: found.prompt } : null;
}

function nextOf(
  result: Verdict['result'],
  overfitSince: Verdict['overfitSince'],
  repetition: Verdict['repetition'],
): Verdict['next'] {
  if (result === 'worse') return overfitSince ? 'fewerSteps' : 'lowerRate';
  if (overfitSince) return 'fewerSteps';
  if (repetition) return 'moreRows';
  return result === 'same' ? 'raiseRate' : 'tryIt';
}

/** Of what is a number; NaN where nothing is. */
function mean(values: readonly (number | null)[]): number {
  const numbers = values.filter((value) => value !== null);
  return numbers.reduce((a, b) => a + b, 0) / numbers.length;
}
