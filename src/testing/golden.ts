import { readFileSync } from 'node:fs';
import type { TestContext } from 'vitest';
import { openSafetensors } from '../content/formats/safetensors.ts';
import { decodeFloats } from '../base/lib/floats.ts';
import { tokenRowsOf, type TokenRows } from '../content/data/tokens/tokenRows.ts';
import { nodeFolder } from '../base/storage/nodeFolder.ts';
import type { WritableFolder } from '../base/storage/types.ts';
import { goldenPath, goldenRuns, modelPath } from './fixtures.ts';
import { needShared } from './shared.ts';

/** A row of a reference run; `labels` −100 is masked. */
interface GoldenRow {
  input_ids: number[];
  labels: number[];
}

/** A reference run in float64 PyTorch: settings, a probe with a non-zero B, and every optimizer step. */
export interface Golden {
  model: string;
  /** 'nf4' if the linear layers were in 4 bits. */
  quant?: string;
  rank: number;
  alpha: number;
  targets: string[];
  /** All where it is missing. */
  layers?: number[];
  lr: number;
  betas: [number, number];
  eps: number;
  weight_decay: number;
  max_grad_norm: number;
  warmup_steps: number;
  steps: number;
  batch: number;
  grad_accum: number;
  /** Of a model with a tokenizer: what it answers to a question by itself, drawn greedily up to its end. */
  answer?: { prompt: string; input_ids: number[]; ids: number[]; text: string };
  probe: { input_ids: number[][]; labels: number[][]; loss: number; tokens: number };
  /** [step][micro-batch][row] */
  batches: GoldenRow[][][];
  trace: { loss: number; grad_norm: number; lr: number; tokens: number }[];
}

/** All reference runs; that on stories260k where the shared material is there, see {@link needRun}. */
export const allRuns: readonly string[] = [...goldenRuns, 'stories260k-lora'];

/** Skips a test of a run that is missing here. */
export function needRun(context: Pick<TestContext, 'skip'>, run: string): void {
  if (run === 'stories260k-lora') needShared(context, `golden/${run}`);
}

/** Reads the golden.json of a run. */
export function readGolden(run: string): Golden {
  return JSON.parse(readFileSync(goldenPath(run, 'golden.json'), 'utf8')) as Golden;
}

/** The recipe of a reference run: rows in file order, nothing packed. */
export function goldenRecipe(golden: Golden) {
  return {
    rank: golden.rank,
    alpha: golden.alpha,
    targets: golden.targets,
    ...(golden.layers ? { layers: golden.layers } : {}),
    lr: golden.lr,
    schedule: 'cosine' as const,
    warmup_steps: golden.warmup_steps,
    weight_decay: golden.weight_decay,
    beta1: golden.betas[0],
    beta2: golden.betas[1],
    eps: golden.eps,
    max_grad_norm: golden.max_grad_norm,
    batch_size: golden.batch,
    grad_accum: golden.grad_accum,
    max_steps: golden.steps,
    shuffle: false,
    packing: false,
    eval_fraction: 0,
  };
}

/** The rows of the probe. */
export function probeRows({ probe }: Golden): TokenRows {
  return tokenRowsOf(probe.input_ids.map((ids, i) => ({ ids, labels: probe.labels[i]! })));
}

/** Every training row in file order. */
export function trainingRows({ batches }: Golden): TokenRows {
  return tokenRowsOf(batches.flat(2).map((row) => ({ ids: row.input_ids, labels: row.labels })));
}

/** The folder of a model by name, see `modelPath`. */
export function modelFolder(name: string): WritableFolder {
  return nodeFolder(modelPath(name));
}

/** A folder of a run: that of an adapter, or the run's own. */
export function goldenFolder(run: string, name = ''): WritableFolder {
  return nodeFolder(goldenPath(run, name));
}

/** Every float tensor of a safetensors file of a run. */
export async function readTensors(run: string, file: string): Promise<Map<string, Float32Array>> {
  const opened = await openSafetensors(await goldenFolder(run).open(file));
  const tensors = new Map<string, Float32Array>();
  for (const [name, { dtype }] of opened.tensors) {
    const bytes = await opened.read(name);
    tensors.set(name, decodeFloats(bytes, dtype));
  }
  return tensors;
}
