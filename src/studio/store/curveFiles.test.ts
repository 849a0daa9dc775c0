import { expect, it } from 'vitest';
import { memoryParts, type MemoryByPart } from '../../engine/gpu/memory.ts';
import { curveCsv, curveJson } from './curveFiles.ts';
import { Metrics } from './metrics.ts';

function someMetrics(): Metrics {
  const metrics = new Metrics();
  metrics.pushEvaluation(0, 5);
  const gpuParts = Object.fromEntries(memoryParts.map((part) => [part, 0])) as MemoryByPart;
  [4, NaN].forEach((loss, i) =>
    metrics.push(
      {
        kind: 'step',
        step: i + 1,
        loss,
        gradNorm: 2,
        lr: 1e-7,
        tokens: 3,
        contextTokens: 6,
        skipped: i === 1,
        spike: false,
        tokensPerSecond: 30,
        secondsLeft: 0,
        gpuBytes: 1000,
        gpuParts,
      },
      1000 + 500 * i,
    ),
  );
  metrics.pushEvaluation(2, 3);
  metrics.mark({ kind: 'saved', step: 2 });
  metrics.flush();
  return metrics;
}

it('writes every step as CSV, empty where there is no number', () => {
  expect(curveCsv(someMetrics()).trim().split('\n').slice(1)).toEqual([
    '0,,,5,,,,,,,',
    '1,4,4,,1e-7,2,30,1000,6,,',
    '2,,4,3,1e-7,2,30,1000,6,0.5,skipped saved',
  ]);
});

it('writes the curve, its events and the answers as JSON', () => {
  const samples = [{ step: 0, prompt: 'Who?', text: 'Zip' }];
  const json = JSON.parse(curveJson(someMetrics(), { name: 'LoRA', recipe: null, samples })) as {
    run: string;
    steps: { step: number; loss: number | null; evaluation: number | null }[];
    evaluations: unknown[];
    events: unknown[];
    samples: unknown[];
    meanTokensPerSecond: number;
  };
  expect(json.run).toBe('LoRA');
  expect(json.steps.map(({ step, loss, evaluation }) => [step, loss, evaluation])).toEqual([
    [1, 4, null],
    [2, null, 3],
  ]);
  expect(json.meanTokensPerSecond).toBe(12);
  expect(json.evaluations).toHaveLength(2);
  expect(json.events).toEqual([
    { step: 2, kind: 'skipped' },
    { step: 2, kind: 'saved' },
  ]);
  expect(json.samples).toEqual(samples);
});
