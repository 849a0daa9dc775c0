import { newRunId, type RunStore } from '../../content/runs/runStore.ts';
import { noChoices } from '../../engine/gpu/choices.ts';
import { runLog } from '../../engine/train/runLog.ts';
import type { OpenModel } from '../openModel.ts';
import { checkModel, storedInitial, storedRows } from '../storedRun.ts';
import type { TrainJob } from '../trainJob.ts';
import type { JobRun } from './exportJob.ts';

/** A stored run at its last whole checkpoint. Throws `runs.*`, `train.resume_other_model`. */
export async function storedJobRun(model: OpenModel, runs: RunStore, id: string): Promise<JobRun> {
  const run = await runs.look(id);
  await checkModel(run, model);
  const { header } = run;
  const { checkpoint } = await run.load();
  const step = checkpoint?.step ?? 0;
  return {
    name: header.name,
    id,
    recipe: header.recipe,
    rows: await storedRows(run, null),
    data: header.data,
    base: header.base,
    kernels: header.kernels,
    activations: header.activations ?? 'f32',
    seconds: header.progress.seconds,
    elsewhere: header.elsewhere,
    checkpoint,
    records: (await run.curves()).records.filter((record) => record.step <= step),
    initial: await storedInitial(run),
  };
}

/** A run that has not begun. */
export function newJobRun(model: OpenModel, job: TrainJob, name: string): JobRun {
  const { recipe, rows, initial = null } = job;
  const { base, data } = runLog({
    ...job,
    base: model.files.folder,
    choices: noChoices,
    activations: 'f32',
  }).record();
  const unbegun = { kernels: null, activations: null, seconds: 0, checkpoint: null, records: [] };
  return { name, id: newRunId(Date.now()), recipe, rows, data, base, initial, ...unbegun };
}
