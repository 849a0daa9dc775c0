import { readingOf } from '../../data/reading.ts';
import { loadTokenizer } from '../../data/tokenizer.ts';
import { writeText } from '../../formats/text.ts';
import { Profiler } from '../../gpu/profiler.ts';
import { GraftError } from '../../lib/errors.ts';
import { chromeTrace, type Profile } from '../../lib/profile.ts';
import { closeDecoder } from '../../model/openDecoder.ts';
import { startTraining } from '../../train/startTraining.ts';
import { train } from '../../train/trainer.ts';
import { readDataset } from '../dataset.ts';
import { modelChoice, modelFlags, modelOptions } from '../hubModel.ts';
import { loadForRun } from '../loadForRun.ts';
import { Options } from '../options.ts';
import { outputFile } from '../output.ts';
import { profileText } from '../profileText.ts';
import { readRecipe } from '../recipe.ts';
import { openModelAt, withGpu } from '../session.ts';

export const usage = 'profile --model DIR --data FILE [--recipe FILE.json] [--trace OUT.json]';

/** The steps before the one that is profiled: what happens once has happened. */
const WARM_UP = 2;

/**
 * Prints where the GPU's time goes in one training step, kernel by kernel; the trace is for chrome://tracing or
 * Perfetto. Nothing is kept of the training.
 */
export async function run(args: string[]): Promise<void> {
  const options = new Options(args, usage, [...modelOptions, 'data', 'recipe', 'trace'], [...modelFlags]);
  const model = modelChoice(options, usage);
  const dataPath = options.required('data');
  const tracePath = options.optional('trace');
  const trace = tracePath === undefined ? null : outputFile(tracePath);
  const recipe = { ...(await readRecipe(options.optional('recipe'))).recipe, max_steps: WARM_UP + 1 };
  const files = await openModelAt(model);
  const { spec } = files;
  const dataset = await readDataset(dataPath, model, {
    tokenizer: await loadTokenizer(files.folder),
    reading: readingOf(recipe),
    maxLength: Math.min(recipe.max_length, spec.maxPositions),
    vocabSize: spec.vocabSize,
  });
  const profile = await withGpu(async (gpu) => {
    // Before minutes of loading, not after.
    if (!gpu.hasTimestamps) throw new GraftError('gpu.no_timestamps', { adapter: gpu.description });
    const rows = { train: dataset, evaluation: null };
    const { decoder } = await loadForRun(gpu, model, files, recipe, rows);
    const adapter = await startTraining(decoder, recipe);
    let begun = 0;
    let taken: Profile | null = null;
    await train({
      decoder,
      adapter,
      recipe,
      dataset,
      evalDataset: null,
      onStep: () => undefined,
      onEval: () => undefined,
      profiler: () => ((begun += 1) > WARM_UP ? new Profiler(gpu) : null),
      onProfile: (_, profile) => (taken = profile),
      shouldStop: () => false,
    });
    closeDecoder(decoder);
    return taken as Profile | null;
  });
  if (!profile) return;
  console.log(profileText(profile));
  if (trace) {
    await writeText(trace.folder, trace.file, chromeTrace(profile));
    console.error(`The trace is in ${tracePath}.`);
  }
}
