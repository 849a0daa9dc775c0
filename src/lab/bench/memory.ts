import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import { memoryParts } from '../../engine/gpu/memory.ts';
import { withGpu } from '../../hosts/node/withGpu.ts';
import { openModelFiles } from '../../engine/model/spec/openModel.ts';
import { nodeFolder } from '../../base/storage/nodeFolder.ts';
import { measureMemory, planMemory } from '../../engine/train/memoryPlan.ts';
import { writeRandomModel } from '../../engine/speed/randomModel.ts';
import { table } from '../../testing/markdownTable.ts';
import { megabytes } from './report.ts';
import { shapes } from './shapes.ts';

const TOKENS = 128;

/** Recipes with one row of 128 tokens, by name. */
const recipes: Record<string, Partial<Recipe>> = {
  QLoRA: { method: 'qlora' },
  'QLoRA, double quantization, 8-bit AdamW': {
    method: 'qlora',
    double_quant: true,
    optimizer: 'adamw_8bit',
  },
};

/**
 * A model of Qwen2.5-0.5B's shape with random weights: loaded in 4 bits and trained for one step on this machine's
 * adapter; compares planned and measured bytes of GPU buffers.
 */
export async function memoryBench(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'graft-bench-'));
  const name = 'qwen2.5-0.5b';
  try {
    await writeRandomModel(nodeFolder(folder), shapes[name]!);
    const files = await openModelFiles(nodeFolder(folder));
    const { vocabSize, hiddenSize } = files.spec;
    const vocabulary = 2 * vocabSize * hiddenSize;
    const rows: string[][] = [];
    let adapter = '';
    for (const [label, fields] of Object.entries(recipes)) {
      const recipe = { ...defaultRecipe(), ...fields, batch_size: 1, max_length: TOKENS };
      await withGpu(async (gpu) => {
        adapter = gpu.description;
        const plan = await planMemory(files, recipe, gpu, null);
        const { total, parts, loadPeak } = await measureMemory(gpu, files, recipe, null);
        rows.push(
          ['total at the peak', megabytes(plan.total), megabytes(total)],
          ['besides the embedding', megabytes(plan.total - vocabulary), megabytes(total - vocabulary)],
          ['while loading', megabytes(plan.loadPeak), megabytes(loadPeak)],
          ...memoryParts.map((part) => [part, megabytes(plan.parts[part]), megabytes(parts[part])]),
        );
        const at = rows.length - memoryParts.length - 3;
        rows.splice(at, 0, [`**${label}**`, '', '']);
      });
    }
    return [
      '## A model of Qwen2.5-0.5B’s shape in 4 bits',
      '',
      `Random weights, rank ${defaultRecipe().rank} on all linear layers, one row of ${TOKENS} tokens, activations f32;`,
      `bytes of GPU buffers, planned from the headers and counted on ${adapter}.`,
      `The tied embedding (BF16) takes ${megabytes(vocabulary)} of them.`,
      '',
      table(['part', 'planned', 'measured'], rows),
    ].join('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
