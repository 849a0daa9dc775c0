import type { Product } from '../../../../engine/gpu/choices.ts';
import { dataShapes } from '../../../../engine/train/largestBatch.ts';
import { chooseStreaming } from '../../../../engine/train/streamingPlan.ts';
import { productsOfRun } from '../../../../engine/tuning/products.ts';
import { toMeasure, tune as measure } from '../../../../engine/tuning/tune.ts';
import type { Tuned } from '../../../../engine/tuning/tuneProduct.ts';
import { command } from '../command.ts';
import { readRecipeRows } from '../dataset.ts';
import { checkHubAccess } from '../hubAccess.ts';
import { readRecipe } from '../recipe.ts';
import { modelOptions, optionalData, recipeOption } from '../commonOptions.ts';
import { openModelOf, withSession } from '../withSession.ts';
import { log, printText } from '../terminal.ts';

export const tune = command(
  'tune',
  'Measures which kernels are fastest on this adapter for the matrix products of a run, and caches that for later runs. Without data, rows are as long as the recipe allows. After Ctrl-C the same command continues.',
  { ...modelOptions, data: optionalData, recipe: recipeOption },
  async (options, usage) => {
    checkHubAccess(options, usage, [options.model, options.data]);
    const { recipe } = await readRecipe(options.recipe);
    await withSession(async (session) => {
      const { files } = await openModelOf(session, options);
      const shapes =
        options.data === undefined
          ? null
          : dataShapes(await readRecipeRows(options.data, options, files, recipe));
      const gpu = await session.gpu();
      const streaming = await chooseStreaming(files, recipe, gpu, shapes);
      const products = await productsOfRun(files, recipe, gpu, shapes, streaming);
      const tuned = await session.host.tunedKernels(gpu);
      const { length: total } = toMeasure(gpu, products, tuned);
      let done = 0;
      await measure(gpu, products, tuned, {
        signal: new AbortController().signal,
        onTuned: (product, found) => {
          done += 1;
          printText(`${done}/${total}  ${tunedText(product, found)}`);
        },
      });
      const { measured, tuned: faster } = tuned.counts;
      log(`${gpu.description}: ${measured} products measured, ${faster} faster than the default.`);
    });
  },
);
function tunedText({ layout, m, n, k, w }: Product, { best, trials }: Tuned): string {
  const [usual] = trials as [Tuned['trials'][number]];
  const found = trials.find(({ variant }) => variant === best)!;
  const speedup = `${(usual.seconds / found.seconds).toFixed(2)} times as fast as ${usual.variant}`;
  const wrong = trials.filter(({ equal }) => !equal).map(({ variant }) => `, ${variant} gives other results`);
  const name = `${layout} ${m} × ${n} × ${k} ${w}`;
  return `${name}  ${best === usual.variant ? `${best}, the default` : `${best}, ${speedup}`}${wrong.join('')}`;
}
