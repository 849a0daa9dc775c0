import { parseRecipe, defaultRecipe, type Recipe } from '../../config/recipe.ts';
import { loadTokenizer } from '../../data/tokenizer.ts';
import { splitDataset } from '../../data/split.ts';
import { writeAdapter } from '../../formats/peft.ts';
import { readJson, writeText } from '../../formats/text.ts';
import { adapterToPeft } from '../../model/adapterFiles.ts';
import { activationType, openDecoder } from '../../model/openDecoder.ts';
import { nodeFolder } from '../../storage/nodeFolder.ts';
import { describeAdapter, startAdapter } from '../../train/startAdapter.ts';
import { train, type StepReport } from '../../train/trainer.ts';
import { basename, dirname, resolve } from 'node:path';
import { readDataset } from '../dataset.ts';
import { Options } from '../options.ts';
import { openAdapterAt, openModelAt, outputFolder, withGpu } from '../session.ts';

export const usage = 'train --model DIR --data FILE --out DIR [--recipe FILE.json] [--init-adapter DIR]';

/** Trains an adapter and writes it as a PEFT folder with recipe.json and metrics.jsonl (a line a step). */
export async function run(args: string[]): Promise<void> {
  const options = new Options(args, usage, ['model', 'data', 'out', 'recipe', 'init-adapter']);
  const modelPath = options.required('model');
  const dataPath = options.required('data');
  const out = await outputFolder(options.required('out'));
  const recipe = await readRecipe(options.optional('recipe'));
  const initial = await openAdapterAt(options.optional('init-adapter'));
  const files = await openModelAt(modelPath);
  const { spec } = files;
  const tokenizer = await loadTokenizer(files.folder);
  const dataset = await readDataset(dataPath, {
    tokenizer,
    mask: recipe.mask,
    maxLength: Math.min(recipe.max_length, spec.maxPositions),
    vocabSize: spec.vocabSize,
  });
  const rows = splitDataset(dataset, recipe.eval_fraction, recipe.seed);

  await withGpu(async (gpu) => {
    const decoder = await openDecoder(gpu, files, activationType(gpu, recipe.dtype));
    const adapter = startAdapter(gpu, spec, recipe, initial);
    const metrics: string[] = [];
    await train({
      decoder,
      adapter,
      recipe,
      dataset: rows.train,
      evalDataset: rows.evaluation,
      onStep: (report) => {
        metrics.push(metricsLine(report));
        console.error(
          `step ${report.step}/${report.totalSteps}  loss ${report.loss.toFixed(4)}  lr ${report.lr.toExponential(2)}`,
        );
      },
      onEval: (step, loss) => console.error(`step ${step}  eval loss ${loss.toFixed(4)}`),
      shouldStop: () => false,
    });
    const about = describeAdapter(basename(resolve(modelPath)), recipe, initial);
    await writeAdapter(out, await adapterToPeft(adapter, about));
    await writeText(out, 'recipe.json', `${JSON.stringify(recipe, null, 2)}\n`);
    await writeText(out, 'metrics.jsonl', metrics.join(''));
  });
}

async function readRecipe(path: string | undefined): Promise<Recipe> {
  if (path === undefined) return defaultRecipe();
  return parseRecipe(await readJson(nodeFolder(dirname(path)), basename(path)));
}

function metricsLine({ step, loss, gradNorm, lr, tokens }: StepReport): string {
  return `${JSON.stringify({ step, loss, grad_norm: gradNorm, lr, tokens })}\n`;
}
