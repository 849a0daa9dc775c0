import { defaultRecipe } from '../base/config/recipe.ts';
import { bytesSource } from '../base/storage/byteSource.ts';
import type { ByteSource } from '../base/storage/types.ts';
import { planSteps } from '../content/data/tokens/batches.ts';
import { rowLengths } from '../content/data/tokens/tokenize.ts';
import { JOB_FORMAT, jobFile, type Job } from '../content/job/jobFile.ts';
import { sha256Of, type JobSink, type JobSource } from '../content/job/jobFolder.ts';
import { writeRows } from '../content/job/jobRows.ts';
import { randomRows } from './passes.ts';

/** A job folder in memory. */
export interface MemoryJob {
  sink: JobSink;
  source: JobSource;
  files: Map<string, Uint8Array<ArrayBuffer>>;
}

export function memoryJob(): MemoryJob {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const sink: JobSink = {
    async create(path) {
      const pieces: Uint8Array<ArrayBuffer>[] = [];
      return {
        write: async (bytes) => void pieces.push(bytes),
        close: async () => void files.set(path, new Uint8Array(await new Blob(pieces).arrayBuffer())),
        abort: async () => undefined,
      };
    },
  };
  const open = async (path: string): Promise<ByteSource> => bytesSource(path, files.get(path)!);
  return { sink, source: { name: 'job', paths: async () => [...files.keys()], open }, files };
}

/** Settings of `someJob`'s run. */
const STEPS = 4;
const settings = { batch_size: 2, grad_accum: 1, max_steps: STEPS, seed: 3, packing: false };

/**
 * A job of a run that is after the first of its four steps, and its description; a cluster has done the next two.
 * Weights and moments are not in it.
 */
export async function someJob(): Promise<MemoryJob & { job: Job }> {
  const made = memoryJob();
  const { sink, files } = made;
  const train = randomRows([5, 3, 7, 4]);
  const recipe = { ...defaultRecipe(), ...settings };
  const plan = planSteps({
    lengths: rowLengths(train),
    batchSize: recipe.batch_size,
    gradAccum: recipe.grad_accum,
    shuffle: recipe.shuffle,
    packing: false,
    maxLength: recipe.max_length,
    seed: recipe.seed,
    maxSteps: STEPS,
  });
  const steps = await writeRows(sink, train, plan, { from: 1, packed: false });
  const put = (path: string, text: string) => files.set(path, new TextEncoder().encode(text));
  put('schedule.json', JSON.stringify({ steps }));
  const curve = { at: 1, gradNorm: 1, lr: 1e-4, tokens: 3, contextTokens: 5, skipped: false };
  put('curves.jsonl', `${JSON.stringify({ kind: 'step', step: 1, loss: 2, ...curve })}\n`);
  const listed = await Promise.all(
    [...files].map(async ([path, bytes]) => ({
      path,
      size: bytes.byteLength,
      sha256: await sha256Of(bytesSource(path, bytes)),
    })),
  );
  const progress = { updates: 1, skippedInARow: 0, skipped: 0, spikes: 0, loss: 2, best: null, stale: 0 };
  const job: Job = {
    format: JOB_FORMAT,
    name: 'a run',
    run: 'run-1',
    base: { name: 'tiny', repo: null, commit: null, license: null, fingerprint: 'f00d' },
    recipe,
    data: { file: 'a.jsonl', rows: 4, evalRows: 0, tokens: 19, trainedTokens: 15 },
    step: 1,
    totalSteps: STEPS,
    updates: 1,
    batch: { rows: 2, micro: 2 },
    packed: false,
    weighted: false,
    bounds: { float32: 1e-4 },
    differences: [],
    resume: {
      progress: { step: 1, ...progress, lowest: null, window: { losses: [2], norms: [1] } },
      kernels: {},
      activations: 'f32',
      seconds: 1,
    },
    versions: {},
    files: listed,
  };
  put(jobFile, JSON.stringify(job));
  const result = { steps: 2, step: 3, updates: 3, ranks: 1, dtype: 'float32', versions: {} };
  put('result/result.json', JSON.stringify(result));
  const lines = [2, 3].map((step) => `{"step": ${step}, "loss": NaN, "grad_norm": 1.5, "lr": 1e-4}\n`);
  put('result/metrics.jsonl', lines.join(''));
  return { ...made, job };
}
