import {
  principalFactors,
  type PlainMatrix,
  type SvdMethod,
} from '../../../base/algebra/principalFactors.ts';
import type { Recipe } from '../../../base/config/recipe.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { createRandom } from '../../../base/lib/random.ts';
import { slice, type Tensor } from '../../gpu/tensor.ts';
import { FloatReader } from '../../gpu/transfer.ts';
import { dequantize } from '../../kernels/dequantize.ts';
import type { Decoder } from '../decoder/decoder.ts';
import { groupOf, groupsOf } from '../spec/fusedProjections.ts';
import type { BlockWeights } from '../weights/weights.ts';
import type { LoraAdapter } from './loraAdapter.ts';
import type { LoraValues } from './loraGroup.ts';
import type { LoraModule } from './loraModules.ts';
import { passesOf } from './pissa.ts';
import { rowsOf } from './weightRows.ts';

/** Elements of a matrix that are read from the GPU at a time. */
const PIECE = 4 * 1024 * 1024;

export interface PissaProgress {
  signal?: AbortSignal | undefined;
  /** Weights of the adapted matrices: done, and all. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * PiSSA: A and B begin as factors of the weights' largest singular values, and the frozen half of the adapter takes them
 * from the model again. The same seed gives the same bits. Throws `train.pissa_stopped` on the signal.
 * @param computes false only takes the memory that this takes
 */
export async function startPissa(
  decoder: Decoder,
  adapter: LoraAdapter,
  { init_lora_weights: init, seed }: Pick<Recipe, 'init_lora_weights' | 'seed'>,
  computes: boolean,
  { signal, onProgress }: PissaProgress = {},
): Promise<void> {
  const { gpu, weights } = decoder;
  const sizes = adapter.modules.map(({ linear }) => pieceOf(linear.outFeatures, linear.inFeatures));
  const scratch = gpu.memory.tensor('f32', [Math.max(...sizes)], 'weights to decompose', 'other');
  const reader = new FloatReader(gpu);
  const random = createRandom(seed);
  const iterations = passesOf(init);
  const total = adapter.modules.reduce((sum, { linear }) => sum + linear.outFeatures * linear.inFeatures, 0);
  let done = 0;
  const pause = async () => {
    // The task ends here, so that messages arrive, the one that stops the run among them.
    await new Promise((resolve) => setTimeout(resolve));
    if (signal?.aborted) throw new GraftError('train.pissa_stopped');
  };
  try {
    if (!computes) {
      await reader.read(scratch);
      return;
    }
    onProgress?.(0, total);
    for (const layer of new Set(adapter.modules.map((module) => module.layer))) {
      const block = await weights.block(layer);
      try {
        for (const module of adapter.modules) {
          if (module.layer !== layer) continue;
          const w = await readWeights(decoder, block, module, { scratch, reader });
          const method: SvdMethod =
            iterations === null ? { iterations } : { iterations, random: random.fork(module.path) };
          await pause();
          const { a, b } = await principalFactors(w, trainedRank(module), module.scale, method, pause);
          adapter.write(module, withFrozen({ a, b }, module));
          onProgress?.((done += w.values.length), total);
        }
      } finally {
        weights.release(layer);
      }
    }
  } finally {
    reader.dispose();
    gpu.memory.free(scratch);
  }
}

function trainedRank({ rank, frozen = 0 }: LoraModule): number {
  return rank - frozen;
}

/** Elements of the pieces in which a matrix is read: whole rows. */
function pieceOf(rows: number, cols: number): number {
  return cols * Math.min(rows, Math.max(1, Math.floor(PIECE / cols)));
}

/** A module's weights as the model on the GPU has them. */
async function readWeights(
  { spec, commands }: Decoder,
  block: BlockWeights,
  { layer, linear }: LoraModule,
  { scratch, reader }: { scratch: Tensor; reader: FloatReader },
): Promise<PlainMatrix> {
  const { outFeatures: rows, inFeatures: cols } = linear;
  const name = groupOf(linear);
  const group = groupsOf(spec, spec.mixers[layer])[name];
  const first = group.starts[group.linears.findIndex(({ path }) => path === linear.path)]!;
  const values = new Float32Array(rows * cols);
  const step = pieceOf(rows, cols) / cols;
  for (const { chunk, row, count, start } of rowsOf(block.groups[name], { start: first, width: rows })) {
    for (let at = 0; at < count; at += step) {
      const taken = Math.min(step, count - at);
      const out = slice(scratch, 0, [taken, cols]);
      dequantize(commands, { chunk, row: row + at, rows: taken, out });
      commands.submit();
      values.set(await reader.read(out), (start - first + at) * cols);
    }
  }
  return { values, rows, cols };
}

/** [A; A] and [B, −B]: the second half never changes, so that the adapted model begins as the base. */
function withFrozen({ a, b }: LoraValues, { linear, rank, frozen = 0 }: LoraModule): LoraValues {
  const both = new Float32Array(2 * a.length);
  both.set(a);
  both.set(a, a.length);
  const wide = new Float32Array(2 * b.length);
  for (let out = 0; out < linear.outFeatures; out++) {
    for (let k = 0; k < frozen; k++) {
      const value = b[out * frozen + k]!;
      wide[out * rank + k] = value;
      wide[out * rank + frozen + k] = -value;
    }
  }
  return { a: both, b: wide };
}
