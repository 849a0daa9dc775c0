import { readingOf } from '../../data/reading.ts';
import { splitDataset } from '../../data/split.ts';
import { loadTokenizer } from '../../data/tokenizer.ts';
import type { Product } from '../../gpu/choices.ts';
import { dataShapes } from '../../train/largestBatch.ts';
import { chooseStreaming } from '../../train/streamingPlan.ts';
import { productsOfRun } from '../../tuning/products.ts';
import { toMeasure, tune } from '../../tuning/tune.ts';
import type { Tuned } from '../../tuning/tuneProduct.ts';
import { readDataset } from '../dataset.ts';
import { modelChoice, modelFlags, modelOptions } from '../hubModel.ts';
import { openTuning } from '../keptTuning.ts';
import { Options } from '../options.ts';
import { readRecipe } from '../recipe.ts';
import { openModelAt, withGpu } from '../session.ts';
import { readShaders } from '../shaders.ts';

export const usage = 'tune --model DIR [--data FILE] [--recipe FILE.json]';

/**
 * Measures which kernels are best on this adapter for the products of a run, and keeps it for runs to come. Without data,
 * rows are as long as the recipe allows. What Ctrl-C interrupts goes on from there the next time.
 */
export async function run(args: string[]): Promise<void> {
  const options = new Options(args, usage, [...modelOptions, 'data', 'recipe'], [...modelFlags]);
  const model = modelChoice(options, usage);
  const dataPath = options.optional('data');
  const { recipe } = await readRecipe(options.optional('recipe'));
  const files = await openModelAt(model);
  const { folder, spec } = files;
  const rows = async (path: string) => {
    const dataset = await readDataset(path, model, {
      tokenizer: await loadTokenizer(folder),
      reading: readingOf(recipe),
      maxLength: Math.min(recipe.max_length, spec.maxPositions),
      vocabSize: spec.vocabSize,
    });
    return splitDataset(dataset, recipe.eval_fraction, recipe.seed);
  };
  const data = dataPath === undefined ? null : dataShapes(await rows(dataPath));
  await withGpu(async (gpu) => {
    const streaming = await chooseStreaming(files, recipe, gpu, data);
    const products = await productsOfRun(files, recipe, gpu, data, streaming);
    const kept = await openTuning(gpu, readShaders());
    const { length: total } = toMeasure(gpu, products, kept);
    let done = 0;
    await tune(gpu, products, kept, {
      signal: new AbortController().signal,
      onTuned: (product, tuned) => {
        done += 1;
        console.log(`${done}/${total}  ${tunedText(product, tuned)}`);
      },
    });
    const { measured, tuned } = kept.counts;
    console.error(
      `${gpu.description}: ${measured} products are measured, ${tuned} of them faster than by default.`,
    );
  });
}

function tunedText({ layout, m, n, k, w }: Product, { best, trials }: Tuned): string {
  const [usual] = trials as [Tuned['trials'][number]];
  const found = trials.find(({ variant }) => variant === best)!;
  const speedup = `${(usual.seconds / found.seconds).toFixed(2)} times as fast as ${usual.variant}`;
  const wrong = trials.filter(({ equal }) => !equal).map(({ variant }) => `, ${variant} is not equal`);
  const name = `${layout} ${m} × ${n} × ${k} ${w}`;
  return `${name}  ${best === usual.variant ? `${best}, the default` : `${best}, ${speedup}`}${wrong.join('')}`;
}
