import { readingOf } from '../../data/reading.ts';
import { loadTokenizer } from '../../data/tokenizer.ts';
import { defaultSweep, lrRange } from '../../train/lrRange.ts';
import { checkTraining, startTraining } from '../../train/startTraining.ts';
import { readDataset } from '../dataset.ts';
import { modelChoice, modelFlags, modelOptions } from '../hubModel.ts';
import { loadForRun } from '../loadForRun.ts';
import { Options } from '../options.ts';
import { readRecipe } from '../recipe.ts';
import { openModelAt, withGpu } from '../session.ts';

export const usage =
  'lr-range --model DIR --data FILE [--recipe FILE.json] [--from LR] [--to LR] [--steps N]';

/**
 * Sweeps the learning rate over a few training steps of a recipe and prints, as JSON, what the losses speak for and the
 * losses themselves. Nothing is kept of the training.
 */
export async function run(args: string[]): Promise<void> {
  const names = [...modelOptions, 'data', 'recipe', 'from', 'to', 'steps'];
  const options = new Options(args, usage, names, [...modelFlags]);
  const model = modelChoice(options, usage);
  const dataPath = options.required('data');
  const from = options.number('from', defaultSweep.from, { min: 1e-12, max: 10 });
  const to = options.number('to', defaultSweep.to, { min: from, max: 100 });
  const steps = options.number('steps', defaultSweep.steps, { min: 2, max: 10_000, integer: true });
  const { recipe } = await readRecipe(options.optional('recipe'));
  const files = await openModelAt(model);
  const { spec } = files;
  checkTraining(files, recipe);
  const dataset = await readDataset(dataPath, model, {
    tokenizer: await loadTokenizer(files.folder),
    reading: readingOf(recipe),
    maxLength: Math.min(recipe.max_length, spec.maxPositions),
    vocabSize: spec.vocabSize,
  });
  const range = await withGpu(async (gpu) => {
    const rows = { train: dataset, evaluation: null };
    const { decoder } = await loadForRun(gpu, model, files, recipe, rows);
    const adapter = await startTraining(decoder, recipe);
    return lrRange({
      ...{ decoder, adapter, recipe, dataset, sweep: { from, to, steps } },
      onPoint: ({ lr, loss, smoothed }) =>
        console.error(`lr ${lr.toExponential(2)}  loss ${loss.toFixed(4)}  smoothed ${smoothed.toFixed(4)}`),
    });
  });
  console.log(JSON.stringify(range));
}
