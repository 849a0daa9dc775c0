import { defaultSweep } from '../../../../engine/train/lrRange.ts';
import { checkTraining } from '../../../../engine/train/startTraining.ts';
import { readingOf } from '../../../../base/config/reading.ts';
import { GraftError } from '../../../../base/lib/errors.ts';
import { command } from '../command.ts';
import { readDataset } from '../dataset.ts';
import { checkHubAccess } from '../hubAccess.ts';
import { number } from '../options.ts';
import { readRecipe } from '../recipe.ts';
import { dataOption, modelOptions, recipeOption } from '../commonOptions.ts';
import { openModelOf, withSession } from '../withSession.ts';
import { log, printText } from '../terminal.ts';

export const lrRange = command(
  'lr-range',
  'Raises the learning rate over a few training steps of a recipe and prints, as JSON, the losses and the rate they suggest. Nothing of the training stays.',
  {
    ...modelOptions,
    data: dataOption,
    recipe: recipeOption,
    from: number('Training', defaultSweep.from, { min: 1e-12, max: 10 }, 'The first rate.'),
    to: number('Training', defaultSweep.to, { min: 1e-12, max: 100 }, 'The last rate.'),
    steps: number(
      'Training',
      defaultSweep.steps,
      { min: 2, max: 10_000, integer: true },
      'Steps of the sweep.',
    ),
  },
  async (options, usage) => {
    const { from, to, steps } = options;
    checkHubAccess(options, usage, [options.model, options.data]);
    if (to < from) {
      const params = { option: 'to', value: String(to), expected: `a number from ${from} to 100`, usage };
      throw new GraftError('cli.bad_value', params);
    }
    const { recipe } = await readRecipe(options.recipe);
    await withSession(async (session) => {
      const { files } = await openModelOf(session, options);
      checkTraining(files, recipe);
      const reading = { reading: readingOf(recipe), maxLength: recipe.max_length };
      const rows = await readDataset(options.data, options, files, reading);
      const range = await session.lrRange(recipe, rows, {
        sweep: { from, to, steps },
        onPoint: ({ lr, loss, smoothed }) =>
          log(`lr ${lr.toExponential(2)}  loss ${loss.toFixed(4)}  smoothed ${smoothed.toFixed(4)}`),
      });
      printText(JSON.stringify(range));
    });
  },
);
