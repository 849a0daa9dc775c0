import type { Recipe } from '../../base/config/recipe.ts';
import type { Metrics } from './metrics.ts';
import type { Sample } from './state/run.ts';

/** What a run's curve is exported with. */
export interface CurveAbout {
  name: string;
  recipe: Recipe | null;
  samples: readonly Sample[];
}

/** Every step of the run with full digits, as CSV. What is unknown is empty. */
export function curveCsv(metrics: Metrics): string {
  const lines = [
    'step,loss,smoothed_loss,eval_loss,lr,grad_norm,tokens_per_second,peak_gpu_bytes,context_tokens,seconds,events',
  ];
  for (const row of rowsOf(metrics)) {
    const { step, loss, smoothed, evaluation, lr, gradNorm, tokensPerSecond, gpuBytes, contextTokens } = row;
    const numbers = [
      step,
      loss,
      smoothed,
      evaluation,
      lr,
      gradNorm,
      tokensPerSecond,
      gpuBytes,
      contextTokens,
      row.seconds,
    ];
    const cells = numbers.map((value) => (value === null || Number.isNaN(value) ? '' : String(value)));
    lines.push([...cells, row.events.join(' ')].join(','));
  }
  return `${lines.join('\n')}\n`;
}

/** The run's curve with its recipe, events and sample answers, as JSON. What is unknown is null. */
export function curveJson(metrics: Metrics, { name, recipe, samples }: CurveAbout): string {
  const whole = {
    format: 'graft-curve',
    version: 1,
    run: name,
    recipe,
    smoothing: metrics.smoothing,
    meanTokensPerSecond: metrics.meanTokensPerSecond,
    steps: rowsOf(metrics).filter(({ step }) => step > 0),
    evaluations: metrics.evaluations,
    events: metrics.marks,
    samples: samples.map(({ step, prompt, text }) => ({ step, prompt, text })),
  };
  // JSON has no NaN: it becomes null.
  return `${JSON.stringify(whole, null, 1)}\n`;
}

function rowsOf(metrics: Metrics) {
  const evaluations = new Map(metrics.evaluations.map(({ step, loss }) => [step, loss]));
  const events = new Map<number, string[]>();
  for (const { step, kind } of metrics.marks) events.set(step, [...(events.get(step) ?? []), kind]);
  const rowOf = (step: number, row: number) => ({
    step,
    loss: metrics.at('loss', row),
    smoothed: metrics.at('smoothed', row),
    evaluation: evaluations.get(step) ?? null,
    lr: metrics.at('lr', row),
    gradNorm: metrics.at('gradNorm', row),
    tokensPerSecond: metrics.at('tokensPerSecond', row),
    gpuBytes: metrics.at('gpuBytes', row),
    contextTokens: metrics.at('contextTokens', row),
    seconds: metrics.at('seconds', row),
    events: events.get(step) ?? [],
  });
  const rows = Array.from({ length: metrics.length }, (_, row) => rowOf(metrics.at('step', row), row));
  // The evaluation before training belongs to no step.
  return evaluations.has(0) ? [rowOf(0, -1), ...rows] : rows;
}
