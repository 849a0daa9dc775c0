import { basename, dirname, resolve } from 'node:path';
import type { Recipe } from '../../config/recipe.ts';
import { parseRunRecord } from '../../config/runRecord.ts';
import { readingOf } from '../../data/reading.ts';
import { splitDataset } from '../../data/split.ts';
import { rowLengths } from '../../data/tokenize.ts';
import { loadTokenizer } from '../../data/tokenizer.ts';
import { trainedEnds } from '../../data/turnEnd.ts';
import type { PeftAdapter } from '../../formats/peft.ts';
import { readJson } from '../../formats/text.ts';
import { TunedChoices } from '../../gpu/choices.ts';
import { GraftError } from '../../lib/errors.ts';
import { matchModules, matchSaved } from '../../model/adapterFiles.ts';
import { isHead, type LoraModule } from '../../model/loraModules.ts';
import { lastPart, type SavedSpec } from '../../model/savedModules.ts';
import type { ModelFiles } from '../../model/openModel.ts';
import { weightsFingerprint } from '../../model/weightsFingerprint.ts';
import { describeStreaming } from '../../model/streaming.ts';
import type { CurveRecord } from '../../runs/curveLog.ts';
import type { Run } from '../../runs/run.ts';
import { tokenRowFiles } from '../../runs/tokenRowFiles.ts';
import { nodeFolder } from '../../storage/nodeFolder.ts';
import { runLog } from '../../train/runRecord.ts';
import { checkInitial, planAdapter } from '../../train/startAdapter.ts';
import { checkTraining, startTraining } from '../../train/startTraining.ts';
import { describePreparation } from '../../train/prepare.ts';
import { stepsOf } from '../../train/steps.ts';
import { train, type StepReport, type TrainOutcome } from '../../train/trainer.ts';
import { readTrainState } from '../../train/trainState.ts';
import { readDataset } from '../dataset.ts';
import { modelChoice, modelFlags, modelOptions } from '../hubModel.ts';
import { loadForRun } from '../loadForRun.ts';
import { Options } from '../options.ts';
import { outputFolder } from '../output.ts';
import { readRecipe, withWarmup } from '../recipe.ts';
import { openAdapterAt, openModelAt, withGpu } from '../session.ts';
import { writeTrained } from '../trainedOutput.ts';
import { CheckpointFolder, type SavedRun } from '../trainRun.ts';

export const usage =
  'train --model DIR --data FILE [--rows-field NAME] --out DIR [--recipe FILE.json] [--init-adapter DIR] [--adapter-dtype f32|int8] [--memory-budget SIZE] [--kernels TRAINING.json] [--checkpoints DIR [--checkpoint-seconds N] [--resume]]';

/**
 * Trains an adapter and writes it as a PEFT folder (in int8 only Graft can read it) with recipe.json, metrics.jsonl (a
 * line a step), the record of the run and a model card; with method "full" a model folder instead, with the same files. With --kernels, products take the kernels of an earlier run,
 * for the same bits. Ctrl-C ends the run after its step and keeps the adapter; so does a run that diverged, which is an
 * error all the same. With --checkpoints the run is saved every minute or so; the same command with --resume goes on from
 * there, whatever ended it, to the same adapter bit for bit.
 */
export async function run(args: string[]): Promise<void> {
  const names = [
    ...modelOptions,
    'data',
    'rows-field',
    'out',
    'recipe',
    'init-adapter',
    'adapter-dtype',
    'memory-budget',
    'kernels',
    'checkpoints',
    'checkpoint-seconds',
  ];
  const options = new Options(args, usage, names, [...modelFlags, 'resume']);
  const choice = modelChoice(options, usage);
  const dataPath = options.required('data');
  const outPath = options.required('out');
  const dtype = options.choice('adapter-dtype', ['f32', 'int8']) === 'int8' ? 'I8' : 'F32';
  const budget = options.bytes('memory-budget');
  const kernels = options.optional('kernels');
  const seconds = options.number('checkpoint-seconds', 60, { min: 0 });
  const resume = options.flag('resume');
  const folder = resume ? options.required('checkpoints') : options.optional('checkpoints');
  const out = await outputFolder(outPath);
  const checkpoints = folder === undefined ? null : new CheckpointFolder(folder);
  const found = (await checkpoints?.find(resume)) ?? null;
  const begun = found?.checkpoint ? readTrainState(found.checkpoint) : null;
  const choices = begun
    ? new TunedChoices(begun.kernels)
    : kernels === undefined
      ? null
      : await choicesOf(kernels);
  const recipePath = options.optional('recipe');
  const given =
    found && recipePath === undefined
      ? { recipe: found.run.header.recipe, warmupRatio: null }
      : await readRecipe(recipePath);
  const asked = budget === null ? given.recipe : { ...given.recipe, memory_budget: budget };
  const files = await openModelAt(choice);
  const { spec } = files;
  const initial = await openAdapterAt(files, options.optional('init-adapter'));
  // Everything that can be wrong with the input is told before the GPU is opened.
  const planned = recipeOfRun(files, asked, initial);
  const tokenizer = await loadTokenizer(files.folder);
  const dataset = await readDataset(dataPath, choice, {
    tokenizer,
    reading: readingOf(planned),
    maxLength: Math.min(planned.max_length, spec.maxPositions),
    vocabSize: spec.vocabSize,
    rowsField: options.optional('rows-field'),
  });
  const rows = splitDataset(dataset, planned.eval_fraction, planned.seed);
  const { steps } = stepsOf(planned, rowLengths(rows.train));
  const recipe = withWarmup({ ...given, recipe: planned }, steps);

  await withGpu(async (gpu) => {
    const start = performance.now();
    if (choices) gpu.choices = choices;
    const loading = loadForRun(gpu, choice, files, recipe, rows);
    const { decoder, preparation, streaming } = await loading;
    const onDisk = describeStreaming(streaming, spec.layers);
    if (onDisk) console.error(onDisk);
    const adapter = await startTraining(decoder, recipe, initial);
    const metrics: string[] = [];
    const log = runLog({ base: files.folder, dataFile: dataPath, rows, recipe, choices: gpu.choices });
    const model = await weightsFingerprint(files.checkpoint);
    const saved =
      found ??
      (await checkpoints?.create({
        name: basename(resolve(outPath)),
        recipe,
        base: { ...log.record().base, fingerprint: model },
        data: log.record().data,
        files: [
          ...tokenRowFiles('train', rows.train),
          ...(rows.evaluation ? tokenRowFiles('eval', rows.evaluation) : []),
        ],
        totalSteps: stepsOf(recipe, rowLengths(rows.train)).steps,
        kernels: { ...gpu.choices.used },
        extra: null,
      })) ??
      null;
    const told = (report: Told): void => {
      metrics.push(metricsLine(report));
      log.step(report);
    };
    for (const record of saved?.records ?? []) {
      if (record.kind === 'step') told(record);
      if (record.kind === 'eval') log.evaluated(record.step, record.loss);
    }
    if (begun) console.error(`Going on after step ${begun.progress.step}.`);
    const keep = () => {
      const written = {
        out,
        path: outPath,
        initial,
        dtype,
        run: log.record(),
        metrics: metrics.join(''),
        ends: tokenizer ? trainedEnds(tokenizer) : [],
      } as const;
      return writeTrained(gpu, files, adapter, written);
    };
    let first = true;
    let evaluated: { step: number; loss: number } | null = null;
    /** Of a checkpoint whose step was evaluated. */
    const evalLossOf = (step: number) => (evaluated?.step === step ? evaluated.loss : null);
    try {
      const outcome = await train({
        decoder,
        adapter,
        recipe,
        dataset: rows.train,
        evalDataset: rows.evaluation,
        checkpoints: saved && {
          ...{ seconds, model },
          save: async (data) => void (await saved.run.save(data, evalLossOf(data.step))),
        },
        resume: saved?.checkpoint ?? null,
        onStep: (report) => {
          if (first) {
            first = false;
            const seconds = (performance.now() - start) / 1000;
            console.error(`The first step was done ${describePreparation(preparation, seconds)}`);
          }
          told(report);
          note(saved, { kind: 'step', at: Date.now(), ...curveOf(report) });
          console.error(
            `step ${report.step}/${report.totalSteps}  loss ${report.loss.toFixed(4)}  lr ${report.lr.toExponential(2)}${leftOut(report)}`,
          );
        },
        onEval: (step, loss) => {
          log.evaluated(step, loss);
          evaluated = { step, loss };
          note(saved, { kind: 'eval', step, at: Date.now(), loss });
          console.error(`step ${step}  eval loss ${loss.toFixed(4)}`);
        },
        shouldStop: stopOnInterrupt(),
      });
      tellEnd(outcome);
      await saved?.run.change({
        state: outcome.stopped ? 'stopped' : 'done',
        progress: progressOf(saved.run, outcome),
      });
    } catch (error) {
      if (error instanceof GraftError && error.code === 'train.diverged') await keep();
      throw error;
    } finally {
      await saved?.run.close();
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
  const planned = shapeText(...planAdapter(spec, asked));
  if (!initial) return asked;
  checkInitial(initial);
  const modules = matchModules(spec, initial);
  const saved = matchSaved(spec, initial);
  if (planned === shapeText(modules, saved)) return { ...asked, start_rank: 0 };
  console.error('Training goes on from the adapter with its own rank, alpha, modules and layers.');
  const { r: rank, lora_alpha: alpha, use_rslora: rslora } = initial.config;
  const targets = [...new Set(modules.map(({ linear }) => linear.name))];
  const inBlocks = modules.filter((module) => !isHead(module));
  const layers = [...new Set(inBlocks.map(({ layer }) => layer))];
  return {
    ...{ ...asked, rank, alpha, rslora, targets },
    modules_to_save: saved.map(lastPart),
    // All of its rank has learned something.
    start_rank: 0,
    // Without any, all that is there is the head, which layers do not concern.
    layers: layers.length === spec.layers || layers.length === 0 ? 'all' : layers,
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

/** What metrics tell of a step. */
type Told = Pick<StepReport, 'step' | 'loss' | 'gradNorm' | 'lr' | 'tokens'>;

function metricsLine({ step, loss, gradNorm, lr, tokens }: Told): string {
  return `${JSON.stringify({ step, loss, grad_norm: gradNorm, lr, tokens })}\n`;
}

function curveOf({ step, loss, gradNorm, lr, tokens, contextTokens, skipped }: StepReport) {
  return { step, loss, gradNorm, lr, tokens, contextTokens, skipped };
}

/** Adds to the curves of a saved run. What cannot be written now is tried again with the next checkpoint, which tells. */
function note(saved: SavedRun | null, record: CurveRecord): void {
  saved?.run.record(record).catch(() => undefined);
}

function leftOut({ skipped, spike }: StepReport): string {
  if (spike) return '  left out: far above the steps before';
  return skipped ? '  left out: the gradient is not finite' : '';
}

function tellEnd({ stoppedEarly, best, steps }: TrainOutcome): void {
  if (stoppedEarly) console.error(`Stopped early after step ${steps}: the eval loss got no better.`);
  if (best) console.error(`The lowest eval loss was ${best.loss.toFixed(4)} at step ${best.step}.`);
}

function progressOf({ header }: Run, { steps, finalLoss, best }: TrainOutcome) {
  const loss = Number.isFinite(finalLoss) ? finalLoss : null;
  return { ...header.progress, step: steps, loss, evalLoss: best?.loss ?? null };
}
