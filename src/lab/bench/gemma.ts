import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFolder } from '../../base/storage/nodeFolder.ts';
import { defaultRecipe } from '../../base/config/recipe.ts';
import { openModelFiles } from '../../engine/model/spec/openModel.ts';
import { writeRandomModel } from '../../engine/speed/randomModel.ts';
import { measureMemory, planMemory } from '../../engine/train/memoryPlan.ts';
import { withGpu } from '../../hosts/node/withGpu.ts';
import { table } from '../../testing/markdownTable.ts';
import { publishedModels } from '../../testing/publishedModels.ts';
import { megabytes } from './report.ts';

const TOKENS = 32;
/** Tokens of a row whose loss is planned only. */
const LONG = 2048;

/**
 * Random weights of Gemma 3's sizes: loaded, trained for one step and evaluated with LoRA and with QLoRA on this machine's
 * adapter; compares planned and measured bytes of GPU buffers.
 */
export async function gemmaBench(): Promise<string> {
  const rows: string[][] = [];
  let adapter = '';
  let loss = 0;
  for (const model of ['Gemma 3 270M', 'Gemma 3 1B'] as const) {
    const path = mkdtempSync(join(tmpdir(), 'graft-bench-'));
    try {
      await writeRandomModel(nodeFolder(path), publishedModels[model]);
      const files = await openModelFiles(nodeFolder(path));
      for (const method of ['lora', 'qlora'] as const) {
        const recipe = { ...defaultRecipe(), method, batch_size: 1, max_length: TOKENS };
        await withGpu(async (gpu) => {
          adapter = gpu.description;
          const plan = await planMemory(files, recipe, gpu, null);
          const long = await planMemory(files, { ...recipe, max_length: LONG }, gpu, null);
          loss = Math.max(loss, long.parts.loss);
          const begin = performance.now();
          const measured = await measureMemory(gpu, files, recipe, null);
          const seconds = (performance.now() - begin) / 1000;
          rows.push([
            `${model}, ${method === 'lora' ? 'LoRA' : 'QLoRA'}`,
            megabytes(plan.total),
            megabytes(measured.total),
            megabytes(measured.parts.weights),
            megabytes(measured.parts.loss),
            seconds.toFixed(0),
          ]);
        });
      }
    } finally {
      rmSync(path, { recursive: true, force: true });
    }
  }
  const logits = megabytes(4 * LONG * publishedModels['Gemma 3 1B'].vocab_size);
  return [
    '## Models of Gemma 3’s sizes',
    '',
    `Random weights in BF16, rank ${defaultRecipe().rank} on all linear layers, one row of ${TOKENS} tokens, activations f32; bytes of GPU`,
    `buffers at the peak, planned from the headers and counted on ${adapter}. The embedding, which is the head as well, is there once;`,
    `the loss takes its logits in chunks: of a row of ${LONG} tokens it is planned to take ${megabytes(loss)}, where all logits are ${logits}.`,
    'The time is that of loading, a step and an evaluation, on two cores of a CPU that others used as well.',
    '',
    table(['model', 'planned', 'measured', 'of it weights', 'of it loss', 'seconds'], rows),
  ].join('\n');
}
