import * as v from 'valibot';
import { GraftError, messageOf } from '../../base/lib/errors.ts';
import { parseBoundedJson } from '../../base/lib/boundedJson.ts';
import type { Folder } from '../../base/storage/types.ts';
import { tokenRowsOf, type TokenRow, type TokenRows } from '../data/tokens/tokenRows.ts';
import { curveOfJson, type CurveRecord } from '../runs/curveLog.ts';
import {
  JOB_FORMAT,
  jobFile,
  parseJob,
  parseJobResult,
  resultFolder,
  type Job,
  type JobResult,
} from './jobFile.ts';
import { sha256Of, type JobSource } from './jobFolder.ts';
import { tableRows } from './jobTable.ts';

const [curvesFile, scheduleFile] = ['curves.jsonl', 'schedule.json'];

/** The largest text of a job that is read. */
const MAX_TEXT = 256 << 20;

/** Reads a job, and checks that its files are those that were exported. Throws `job.not_a_job`, `job.newer`, `job.changed`. */
export async function readJob(source: JobSource): Promise<Job> {
  const { name: folder } = source;
  const paths = new Set(await source.paths());
  const bad = (detail: string, cause?: unknown) =>
    new GraftError('job.not_a_job', { folder, detail }, { cause });
  if (!paths.has(jobFile)) throw bad(`it contains no ${jobFile}`);
  const json = await readJsonIn(source, jobFile).catch((cause: unknown) => {
    throw bad(`${jobFile}: ${messageOf(cause).slice(0, 200)}`, cause);
  });
  const version = (json as { format?: unknown } | null)?.format;
  if (typeof version === 'number' && version > JOB_FORMAT)
    throw new GraftError('job.newer', { folder, version, known: JOB_FORMAT });
  let job: Job;
  try {
    job = parseJob(json);
  } catch (cause) {
    throw bad(`${jobFile}: ${messageOf(cause).slice(0, 200)}`, cause);
  }
  for (const { path, size, sha256 } of job.files) {
    const changed = () => new GraftError('job.changed', { file: path });
    if (!paths.has(path)) throw changed();
    const file = await source.open(path);
    if (file.size !== size || (await sha256Of(file)) !== sha256) throw changed();
  }
  return job;
}

/**
 * The data set of a job, as the run had it, and of each step that is left how many tokens run through the model. Throws
 * `job.not_a_job`, `data.parquet_invalid`.
 */
export async function readJobRows(
  source: JobSource,
  { data, files }: Job,
): Promise<{ train: TokenRows; evaluation: TokenRows | null; contextTokens: Map<number, number> }> {
  const bad = (detail: string) => new GraftError('job.not_a_job', { folder: source.name, detail });
  const paths = files.map(({ path }) => path);
  const contextTokens = new Map<number, number>();
  const rows: TokenRow[] = [];
  for (const path of paths.filter((one) => /^(?:rows\/\d+|done)\.parquet$/.test(one)))
    for await (const { step, row, tokens } of tableRows(await source.open(path))) {
      if (row >= data.rows) throw bad(`row ${row} is beyond its ${data.rows} rows`);
      rows[row] = tokens;
      if (step !== null) contextTokens.set(step, (contextTokens.get(step) ?? 0) + tokens.ids.length);
    }
  for (let row = 0; row < data.rows; row++) if (!rows[row]) throw bad(`row ${row} is in no file`);
  const evaluation: TokenRow[] = [];
  if (paths.includes('eval.parquet'))
    for await (const { tokens } of tableRows(await source.open('eval.parquet'))) evaluation.push(tokens);
  if (evaluation.length !== data.evalRows)
    throw bad(`it has ${evaluation.length} evaluation rows, not ${data.evalRows}`);
  return {
    train: tokenRowsOf(rows),
    evaluation: evaluation.length > 0 ? tokenRowsOf(evaluation) : null,
    contextTokens,
  };
}

const real = v.nullable(v.number());
const metricsLine = v.union([
  v.object({ step: v.number(), loss: real, grad_norm: real, lr: v.number() }),
  v.object({ step: v.number(), eval_loss: real }),
]);

/** What a cluster trained of a job. */
export interface Result extends JobResult {
  /** Of each step in order; a loss is NaN where it was not finite. */
  done: { step: number; loss: number; gradNorm: number; lr: number }[];
  evaluations: { step: number; loss: number }[];
}

/** The result in a job's folder; null where there is none. Throws `job.result`. */
export async function readResult(source: JobSource, job: Job): Promise<Result | null> {
  const paths = await source.paths();
  const [about, metrics] = [`${resultFolder}/result.json`, `${resultFolder}/metrics.jsonl`];
  if (!paths.includes(about)) return null;
  const bad = (file: string, detail: string, cause?: unknown) =>
    new GraftError('job.result', { file, detail }, { cause });
  let result: JobResult;
  try {
    result = parseJobResult(await readJsonIn(source, about));
  } catch (cause) {
    throw bad(about, messageOf(cause).slice(0, 200), cause);
  }
  if (result.step !== job.step + result.steps || result.step > job.totalSteps)
    throw bad(about, `it is of step ${result.step}, while the job begins after step ${job.step}`);
  const steps = new Map<number, Result['done'][number]>();
  const evaluations = new Map<number, { step: number; loss: number }>();
  const lines = (await readTextIn(source, metrics)).split('\n').filter((line) => line !== '');
  for (const [i, line] of lines.entries()) {
    try {
      // Python writes NaN as such, which JSON does not have. Where a job was cut off and went on, the later line holds.
      const found = v.parse(metricsLine, parseBoundedJson(line.replace(/\b(?:NaN|-?Infinity)\b/g, 'null')));
      const { step } = found;
      if ('eval_loss' in found) evaluations.set(step, { step, loss: found.eval_loss ?? Number.NaN });
      else {
        const { loss, grad_norm: gradNorm, lr } = found;
        steps.set(step, { step, loss: loss ?? Number.NaN, gradNorm: gradNorm ?? Number.NaN, lr });
      }
    } catch (cause) {
      throw bad(metrics, `line ${i + 1}: ${messageOf(cause).slice(0, 200)}`, cause);
    }
  }
  const done: Result['done'] = [];
  // No list of a length that only the file says.
  for (let step = job.step + 1; step <= result.step; step++) {
    const found = steps.get(step);
    if (!found) throw bad(metrics, `step ${step} is missing`);
    done.push(found);
  }
  return { ...result, done, evaluations: [...evaluations.values()] };
}

/** The curves of a job up to its step. What is no record is left out, as in a stored run. Throws what reading throws. */
export async function readJobCurves(source: JobSource, { step }: Job): Promise<CurveRecord[]> {
  const lines = (await readTextIn(source, curvesFile)).split('\n').filter((line) => line !== '');
  return lines.flatMap((line) => {
    const record = curveOfJson(line);
    const isCurve = record?.kind === 'step' || record?.kind === 'eval';
    return isCurve && record.step <= step ? [record] : [];
  });
}

const scheduleSchema = v.object({ steps: v.array(v.object({ step: v.number(), targets: v.number() })) });

/** The targets of each step that was left. Throws `job.not_a_job`. */
export async function readTargets(source: JobSource): Promise<Map<number, number>> {
  try {
    const { steps } = v.parse(scheduleSchema, await readJsonIn(source, scheduleFile));
    return new Map(steps.map(({ step, targets }) => [step, targets]));
  } catch (cause) {
    const detail = `${scheduleFile}: ${messageOf(cause).slice(0, 200)}`;
    throw new GraftError('job.not_a_job', { folder: source.name, detail }, { cause });
  }
}

/** A folder of a job, as readers of flat folders take it. */
export async function folderIn(source: JobSource, folder: string): Promise<Folder> {
  const prefix = `${folder}/`;
  const files = (await source.paths())
    .filter((path) => path.startsWith(prefix) && !path.includes('/', prefix.length))
    .map((path) => path.slice(prefix.length));
  return { name: folder, list: async () => files.sort(), open: (file) => source.open(prefix + file) };
}

/** Throws what reading and parsing throw. */
async function readJsonIn(source: JobSource, path: string): Promise<unknown> {
  return parseBoundedJson(await readTextIn(source, path));
}

async function readTextIn(source: JobSource, path: string): Promise<string> {
  const file = await source.open(path);
  if (file.size > MAX_TEXT)
    throw new GraftError('storage.text_too_large', { file: path, size: file.size, limit: MAX_TEXT });
  return new TextDecoder().decode(await file.read(0, file.size));
}
