import { GraftError } from '../base/lib/errors.ts';
import { wrongPart } from '../content/data/tokens/checkTokenRows.ts';
import { isStreamed, lengthsOf } from '../content/data/tokens/trainRows.ts';
import type { PeftAdapter } from '../content/formats/peft.ts';
import type { CurveRecord } from '../content/runs/curveLog.ts';
import {
  initialAdapterFiles,
  isInitialAdapter,
  isInitialFile,
  readInitialAdapter,
} from '../content/runs/initialAdapter.ts';
import type { StoredRun } from '../content/runs/storedRun.ts';
import type { RunStore } from '../content/runs/runStore.ts';
import { readRowsPlace, readTokenRows, rowsPlaceFile, tokenRowFiles } from '../content/runs/tokenRowFiles.ts';
import type { CheckpointData, CheckpointFile } from '../content/runs/types.ts';

import { stepsOf } from '../engine/train/steps.ts';
import { readCheckpointState } from '../engine/train/checkpointState.ts';
import { weightsFingerprint } from '../engine/model/weights/weightsFingerprint.ts';
import type { TrainEvent } from './events.ts';
import type { Host } from './host.ts';
import type { OpenModel } from './openModel.ts';
import type { RunLog } from './runRecorder.ts';
import type { RunStorage, SplitRows, TrainJob } from './trainJob.ts';

/** A stored run that was opened to be resumed: it is owned. */
export interface ResumableRun {
  run: StoredRun;
  /** Null before its first checkpoint. */
  checkpoint: CheckpointData | null;
  /** Its curves up to there. */
  records: readonly CurveRecord[];
  /** The kernels it took, for the same bits. */
  kernels: Readonly<Record<string, string>>;
}

/** Stores a new run with its rows, and the adapter that it continues. Throws what writing throws; nothing is left then. */
export async function createStoredRun(
  { runs, name, extra = null }: RunStorage,
  { recipe, rows: { train, evaluation }, initial = null }: TrainJob,
  log: RunLog,
  fingerprint: string,
): Promise<StoredRun> {
  const { base, data, kernels, activations } = log.record();
  const store = await runs();
  return store.create({
    name: await store.freeName(name),
    recipe,
    data,
    extra,
    base: { ...base, fingerprint },
    files: [
      ...(isStreamed(train) ? [rowsPlaceFile('train', train)] : tokenRowFiles('train', train)),
      ...(evaluation ? tokenRowFiles('eval', evaluation) : []),
      ...(initial ? await initialAdapterFiles(initial) : []),
    ],
    totalSteps: stepsOf(recipe, lengthsOf(train)).steps,
    kernels: { ...kernels },
    activations,
  });
}

/**
 * Opens a stored run as its owner, back at its last whole checkpoint.
 * @param model refused where the run trained another one; null where the caller checks
 * Throws `runs.not_found`, `runs.in_use`, `runs.none_left`, `train.resume_other_model`.
 */
export async function openStoredRun(
  runs: RunStore,
  id: string,
  model: OpenModel | null,
  onEvent?: (event: TrainEvent) => void,
): Promise<ResumableRun> {
  const run = await runs.open(id);
  try {
    if (!run.owned) throw new GraftError('runs.in_use', { run: run.header.name });
    // Before anything of it is changed.
    if (model) await checkModel(run, model);
    const { checkpoint, passedOver } = await run.load();
    const step = checkpoint?.step ?? 0;
    await run.resumeFrom(step);
    await run.change({ state: 'running', failure: null });
    onEvent?.({ kind: 'stored', id });
    onEvent?.({
      kind: 'resumed',
      step,
      damaged: passedOver.map(({ file, step: of }) => ({ file, step: of })),
    });
    const { records } = await run.curves();
    const kernels = checkpoint ? readCheckpointState(checkpoint).kernels : run.header.kernels;
    return { run, checkpoint, records, kernels };
  } catch (error) {
    await run.close();
    throw error;
  }
}

/** Throws `train.resume_other_model` where a run was trained on other weights. */
export async function checkModel({ header }: StoredRun, model: OpenModel): Promise<void> {
  if ((await weightsFingerprint(model.files.checkpoint)) !== header.base.fingerprint)
    throw new GraftError('train.resume_other_model');
}

/** The adapter that a run began with; null where it began with a fresh one. Throws `runs.data_damaged`. */
export async function storedInitial(run: StoredRun): Promise<PeftAdapter | null> {
  return readInitialAdapter(await initialFiles(run));
}

/** Throws `train.resume_other_adapter` where a run did not begin with this adapter, and `runs.data_damaged`. */
export async function checkInitialOf(run: StoredRun, adapter: PeftAdapter): Promise<void> {
  if (!(await isInitialAdapter(await initialFiles(run), adapter)))
    throw new GraftError('train.resume_other_adapter');
}

async function initialFiles(run: StoredRun): Promise<CheckpointFile[]> {
  const names = run.header.files.filter(isInitialFile).map(({ name }) => name);
  const files = await Promise.all(names.map((name) => run.dataFile(name)));
  return files.filter((file) => file !== null);
}

/**
 * The rows a run was stored with. Throws `runs.damaged`, also of an imported run whose rows are none, and for streamed ones
 * `data.shards_missing`.
 * @param host where streamed rows are; null where rows have to be in memory: others are refused by `data.needs_memory`
 */
export async function storedRows(run: StoredRun, host: Pick<Host, 'rowShards'> | null): Promise<SplitRows> {
  const files = await run.dataFiles();
  const damaged = (file: string) => new GraftError('runs.damaged', { run: run.header.name, step: 0, file });
  const read = async (name: string) => {
    const rows = await readTokenRows(name, files);
    const wrong = rows && wrongPart(rows);
    if (wrong) throw damaged(`${name}.${wrong}`);
    return rows;
  };
  const place = await readRowsPlace('train', files).catch(() => {
    throw damaged('train.place');
  });
  if (place) {
    if (!host) throw new GraftError('data.needs_memory', { what: run.header.name });
    const root = await host.rowShards?.();
    if (!root) throw new GraftError('data.shards_missing');
    // Few runs have such rows.
    const { openShards } = await import('../content/data/streamed/openShards.ts');
    const { train } = await openShards(root, place);
    return { train, evaluation: await read('eval') };
  }
  const train = await read('train');
  if (!train) throw damaged('train.ids');
  return { train, evaluation: await read('eval') };
}
