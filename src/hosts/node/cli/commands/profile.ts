import { GraftError } from '../../../../base/lib/errors.ts';
import { chromeTrace, type Profile } from '../../../../base/lib/profile.ts';
import { readingOf } from '../../../../base/config/reading.ts';
import { writeText } from '../../../../content/formats/text.ts';
import { command } from '../command.ts';
import { readDataset } from '../dataset.ts';
import { checkHubAccess } from '../hubAccess.ts';
import { optional } from '../options.ts';
import { forceOption, outputFile } from '../outputFile.ts';
import { profileText } from '../profileText.ts';
import { readRecipe } from '../recipe.ts';
import { dataOption, modelOptions, recipeOption } from '../commonOptions.ts';
import { openModelOf, withSession } from '../withSession.ts';
import { log, printText } from '../terminal.ts';

/** The steps before the one that is profiled: what happens once has happened. */
const WARM_UP = 2;

export const profile = command(
  'profile',
  'Prints where the GPU’s time goes in one training step, kernel by kernel. Nothing of the training stays.',
  {
    ...modelOptions,
    data: dataOption,
    recipe: recipeOption,
    trace: optional('Output', 'OUT.json', 'Writes a trace for chrome://tracing or Perfetto.'),
    force: forceOption,
  },
  async (options, usage) => {
    checkHubAccess(options, usage, [options.model, options.data]);
    const { force, model, data } = options;
    const rules = { force, inputs: { model, data, recipe: options.recipe } };
    const trace = options.trace === undefined ? null : outputFile(options.trace, rules);
    const recipe = { ...(await readRecipe(options.recipe)).recipe, max_steps: WARM_UP + 1 };
    await withSession(async (session) => {
      const { files } = await openModelOf(session, options);
      const reading = { reading: readingOf(recipe), maxLength: recipe.max_length };
      const train = await readDataset(data, options, files, reading);
      const { hasTimestamps, description } = await session.gpu();
      // Before minutes of loading, not after.
      if (!hasTimestamps) throw new GraftError('gpu.no_timestamps', { adapter: description });
      let begun = 0;
      let taken: Profile | null = null;
      const job = { recipe, rows: { train, evaluation: null }, dataFile: options.data };
      await session.train(job, null, {
        profile: () => (begun += 1) > WARM_UP,
        onEvent: (event) => event.kind === 'profile' && (taken = event.profile),
      });
      if (!taken) return;
      printText(profileText(taken));
      if (trace) {
        await writeText(trace.folder, trace.file, chromeTrace(taken));
        log(`Trace written to ${options.trace}.`);
      }
    });
  },
);
