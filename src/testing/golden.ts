import { readFileSync } from 'node:fs';
import { openSafetensors } from '../formats/safetensors.ts';
import { decodeFloats } from '../formats/floats.ts';
import { tokenRowsOf, type TokenRows } from '../data/tokenRows.ts';
import { nodeFolder } from '../storage/nodeFolder.ts';
import type { WritableFolder } from '../storage/types.ts';
import { sharedPath } from './shared.ts';

/** A row of a reference run; `labels` −100 is masked. */
interface GoldenRow {
  input_ids: number[];
  labels: number[];
}

/** A reference run in float64 PyTorch: settings, a probe with a non-zero B, and every optimizer step. */
export interface Golden {
  model: string;
  /** 'nf4' where the linear layers were in 4 bits. */
  quant?: string;
  rank: number;
  alpha: number;
  targets: string[];
  lr: number;
  betas: [number, number];
  eps: number;
  weight_decay: number;
  max_grad_norm: number;
  warmup_steps: number;
  steps: number;
  batch: number;
  grad_accum: number;
  probe: { input_ids: number[][]; labels: number[][]; loss: number; tokens: number };
  /** [step][micro-batch][row] */
  batches: GoldenRow[][][];
  trace: { loss: number; grad_norm: number; lr: number; tokens: number }[];
}

/** Reads ../shared/golden/<name>/golden.json. */
export function readGolden(name: string): Golden {
  return JSON.parse(readFileSync(sharedPath(`golden/${name}/golden.json`), 'utf8')) as Golden;
}

/** The recipe of a reference run: rows in file order, nothing packed. */
export function goldenRecipe(golden: Golden) {
  return {
    rank: golden.rank,
    alpha: golden.alpha,
    targets: golden.targets,
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

/** A folder of the shared material. */
export function sharedFolder(path: string): WritableFolder {
  return nodeFolder(sharedPath(path));
}

/** Every float tensor of a safetensors file of the shared material. */
export async function readTensors(folder: string, file: string): Promise<Map<string, Float32Array>> {
  const opened = await openSafetensors(await sharedFolder(folder).open(file));
  const tensors = new Map<string, Float32Array>();
  for (const [name, { dtype }] of opened.tensors) {
    const bytes = await opened.read(name);
    tensors.set(name, decodeFloats(bytes, dtype));
  }
  return tensors;
}
