import { basename, dirname } from 'node:path';
import type { Recipe } from '../../config/recipe.ts';
import { parseRunRecord } from '../../config/runRecord.ts';
import { splitDataset } from '../../data/split.ts';
import { loadTokenizer } from '../../data/tokenizer.ts';
import type { PeftAdapter } from '../../formats/peft.ts';
import { readJson } from '../../formats/text.ts';
import { TunedChoices } from '../../gpu/choices.ts';
import { GraftError } from '../../lib/errors.ts';
import { matchModules, matchSaved } from '../../model/adapterFiles.ts';
import { planLora, type LoraModule } from '../../model/loraModules.ts';
import { lastPart, planSaved, type SavedSpec } from '../../model/savedModules.ts';
import { activationType, openDecoder, quantizationOf } from '../../model/openDecoder.ts';
import type { ModelFiles } from '../../model/openModel.ts';
import { describeStreaming } from '../../model/streaming.ts';
import { nodeFolder } from '../../storage/nodeFolder.ts';
import { dataShapes } from '../../train/largestBatch.ts';
import { runLog } from '../../train/runRecord.ts';
import { checkTraining, startTraining } from '../../train/startTraining.ts';
import { describePreparation, prepareRun } from '../../train/prepare.ts';
import { chooseStreaming } from '../../train/streamingPlan.ts';
import { train, type StepReport } from '../../train/trainer.ts';
import { readDataset } from '../dataset.ts';
import { derivedFor } from '../derivedCache.ts';
import { modelChoice, modelFlags, modelOptions } from '../hubModel.ts';
import { Options } from '../options.ts';
import { outputFolder } from '../output.ts';
import { readRecipe } from '../recipe.ts';
import { openAdapterAt, openModelAt, withGpu } from '../session.ts';
import { spillFolder } from '../spillFolder.ts';
import { writeTrained } from '../trainedOutput.ts';

export const usage =
  'train --model DIR --data FILE --out DIR [--recipe FILE.json] [--init-adapter DIR] [--adapter-dtype f32|int8] [--memory-budget SIZE] [--kernels TRAINING.json]';

/**
 * Trains an adapter and writes it as a PEFT folder (in int8 only Graft can read it) with recipe.json, metrics.jsonl (a
 * line a step), the record of the run and a model card; with method "full" a model folder instead, with the same files. With --kernels, products take the kernels of an earlier run,
 * for the same bits. Ctrl-C ends the run after its step and keeps the adapter; so does a run that diverged, which is an
 * error all the same.
 */
export async function run(args: string[]): Promise<void> {
  const names = [
    ...modelOptions,
    'data',
    'out',
    'recipe',
    'init-adapter',
    'adapter-dtype',
    'memory-budget',
    'kernels',
  ];
  const options = new Options(args, usage, names, [...modelFlags]);
  const model = modelChoice(options, usage);
  const dataPath = options.required('data');
  const outPath = options.required('out');
  const dtype = options.choice('adapter-dtype', ['f32', 'int8']) === 'int8' ? 'I8' : 'F32';
  const budget = options.bytes('memory-budget');
  const kernels = options.optional('kernels');
  const choices = kernels === undefined ? null : await choicesOf(kernels);
  const out = await outputFolder(outPath);
  const given = await readRecipe(options.optional('recipe'));
  const asked = budget === null ? given : { ...given, memory_budget: budget };
  const files = await openModelAt(model);
  const { spec } = files;
  const initial = await openAdapterAt(options.optional('init-adapter'));
  // Everything that can be wrong with the input is told before the GPU is opened.
  const recipe = recipeOfRun(files, asked, initial);
  const dataset = await readDataset(dataPath, model, {
    tokenizer: await loadTokenizer(files.folder),
    mask: recipe.mask,
    maxLength: Math.min(recipe.max_length, spec.maxPositions),
    vocabSize: spec.vocabSize,
  });
  const rows = splitDataset(dataset, recipe.eval_fraction, recipe.seed);

  await withGpu(async (gpu) => {
    const start = performance.now();
    if (choices) gpu.choices = choices;
    const data = dataShapes(rows);
    const streaming = await chooseStreaming(files, recipe, gpu, data);
    const ready = await prepareRun(gpu, { files, recipe, data, streaming }, () =>
      openDecoder(gpu, files, activationType(gpu, recipe.dtype), {
        quantize: quantizationOf(recipe),
        streaming,
        spillFolder: spillFolder(),
        derived: derivedFor(model),
      }),
    );
    const { loaded: decoder, preparation } = ready;
    const onDisk = describeStreaming(streaming, spec.layers);
    if (onDisk) console.error(onDisk);
    const adapter = await startTraining(decoder, recipe, initial);
    const metrics: string[] = [];
    const log = runLog({ base: files.folder, dataFile: dataPath, rows, recipe, choices: gpu.choices });
    const keep = () => {
      const written = { out, path: outPath, initial, dtype, run: log.record(), metrics: metrics.join('') } as const;
      return writeTrained(gpu, files, adapter, written);
    };
    try {
      await train({
        decoder,
        adapter,
        recipe,
        dataset: rows.train,
        evalDataset: rows.evaluation,
        onStep: (report) => {
          if (report.step === 1) {
            const seconds = (performance.now() - start) / 1000;
            console.error(`The first step was done ${describePreparation(preparation, seconds)}`);
          }
          metrics.push(metricsLine(report));
          log.step(report);
          console.error(
            `step ${report.step}/${report.totalSteps}  loss ${report.loss.toFixed(4)}  lr ${report.lr.toExponential(2)}`,
          );
        },
        onEval: (step, loss) => {
          log.evaluated(step, loss);
          console.error(`step ${step}  eval loss ${loss.toFixed(4)}`);
        },
        shouldStop: stopOnInterrupt(),
      });
    } catch (error) {
      if (error instanceof GraftError && error.code === 'train.diverged') await keep();
      throw error;
    }
    await keep();
    if (recipe.memory_budget > 0) console.error(`The most GPU memory at once was ${gpu.memory.peak} bytes.`);
  });
}

/**
 * The recipe as it is run: an adapter that training goes on from keeps its own shape, and recipe.json says so.
 * Throws `train.no_targets`, `train.no_saved_module`, `train.layer_out_of_range`, `train.full_quantized`,
 * `model.adapter_*`, `cli.bad_option`.
 */
function recipeOfRun(files: ModelFiles, asked: Recipe, initial: PeftAdapter | null): Recipe {
  const { spec } = files;
  checkTraining(files, asked);
  if (asked.method === 'full') {
    const detail = '--init-adapter does not go with method "full", which trains the model itself.';
    if (initial) throw new GraftError('cli.bad_option', { detail, usage });
    return asked;
  }
  const planned = shapeText(planLora(spec, asked), planSaved(spec, asked.modules_to_save));
  if (!initial) return asked;
  const modules = matchModules(spec, initial);
  const saved = matchSaved(spec, initial);
  if (planned === shapeText(modules, saved)) return asked;
  console.error('Training goes on from the adapter with its own rank, alpha, modules and layers.');
  const { r: rank, lora_alpha: alpha, use_rslora: rslora } = initial.config;
  const targets = [...new Set(modules.map(({ linear }) => linear.name))];
  const layers = [...new Set(modules.map(({ layer }) => layer))];
  return {
    ...{ ...asked, rank, alpha, rslora, targets },
    modules_to_save: saved.map(lastPart),
    layers: layers.length === spec.layers ? 'all' : layers,
  };
}

/** The kernels that a run took, by its record. Throws `cli.bad_option`, and what reading JSON throws. */
async function choicesOf(path: string): Promise<TunedChoices> {
  const record = parseRunRecord(await readJson(nodeFolder(dirname(path)), basename(path)));
  if (!record) throw new GraftError('cli.bad_option', { detail: `“${path}” is no record of a run.`, usage });
  return new TunedChoices(record.kernels ?? {});
}

function shapeText(modules: readonly LoraModule[], saved: readonly SavedSpec[]): string {
  const pairs = modules.map(({ path, rank, scale }) => `${path} ${rank} ${scale}`);
  return [...pairs, ...saved.map(({ module }) => module)].join('\n');
}

/** Whether Ctrl-C was pressed; pressed again it ends the process. */
function stopOnInterrupt(): () => boolean {
  let stopping = false;
  process.once('SIGINT', () => {
    stopping = true;
    console.error('Stopping after this step. Ctrl-C again ends at once and keeps nothing.');
  });
  return () => stopping;
}

function metricsLine({ step, loss, gradNorm, lr, tokens }: StepReport): string {
  return `${JSON.stringify({ step, loss, grad_norm: gradNorm, lr, tokens })}\n`;
}
