import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { memoryParts } from '../../../engine/gpu/memory.ts';
import type { RecipeFit } from '../../../engine/train/fitRecipe.ts';
import type { MemoryPlan, MemoryUse } from '../../../engine/train/memoryPlan.ts';
import { fail, scratchFolder, succeed } from '../../../testing/cli.ts';
import { robotStories } from '../../../testing/fixtures.ts';
import { copyFolder, withFields } from '../../../testing/folders.ts';
import { writeTinyStories } from '../../../testing/tinyStories.ts';

const scratch = scratchFolder();
const model = writeTinyStories(scratch);

interface Report {
  plan: MemoryPlan;
  fit?: Pick<RecipeFit, 'fits' | 'proposals'> & { budget: number };
  measured?: MemoryUse;
  ratio?: number;
}

function recipeFile(name: string, recipe: object): string {
  const path = join(scratch, `${name}.recipe.json`);
  writeFileSync(path, JSON.stringify(recipe));
  return path;
}

const plan = async (...args: string[]) =>
  JSON.parse(await succeed(['plan', '--model', model, ...args])) as Report;

// A folder that does not exist: whoever looked for a GPU driver would not find one.
const withoutGpu = { VK_DRIVER_FILES: join(scratch, 'none') };

describe('plan', () => {
  it('tells the bytes of a run by part, without a GPU', async () => {
    const report = JSON.parse(await succeed(['plan', '--model', model], withoutGpu)) as Report;
    expect(Object.keys(report)).toEqual(['plan']);
    const { total, parts, loadPeak, tokens, targets, trainableParameters } = report.plan;
    expect(Object.keys(parts)).toEqual([...memoryParts]);
    expect(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0)).toBe(total);
    // The model has 512 positions, the recipe 4 rows.
    expect({ tokens, targets }).toEqual({ tokens: 2048, targets: 2044 });
    expect(total).toBeGreaterThan(loadPeak);
    expect(trainableParameters).toBeGreaterThan(0);
  });

  it.each<[string, object]>([
    ['LoRA', { batch_size: 2, eval_fraction: 0.1 }],
    ['QLoRA', { method: 'qlora', double_quant: true, optimizer: 'adamw_8bit', packing: true }],
  ])('is what a step measures: %s', async (name, recipe) => {
    const args = ['--recipe', recipeFile(name, recipe), '--data', robotStories, '--measure'];
    const { plan: planned, measured, ratio } = await plan(...args);
    expect(planned).toMatchObject(measured!);
    expect(ratio).toBe(1);
  });

  it('measures rows of the maximal length where there is no data', async () => {
    const { plan: planned, measured } = await plan(
      '--recipe',
      recipeFile('short', { max_length: 64 }),
      '--measure',
    );
    expect(planned).toMatchObject(measured!);
    expect(planned.tokens).toBe(256);
  });

  it('proposes changes for a budget', async () => {
    const exact = recipeFile('f32', { dtype: 'f32' });
    const { fit } = await plan('--recipe', exact, '--data', robotStories, '--budget', '4MB');
    expect(fit).toMatchObject({ budget: 4_000_000, fits: true });
    expect(fit!.proposals.map(({ kind }) => kind)).toEqual(['micro_batch', 'checkpointing', 'four_bits']);
    expect(fit!.proposals.at(-1)!.total).toBeLessThanOrEqual(4_000_000);
    expect((await plan('--budget', '1GiB')).fit).toEqual({ budget: 2 ** 30, fits: true, proposals: [] });
  });
});

describe('what is wrong is told', () => {
  it.each(['huge', '0', '-1GB', '8 gigabytes', '8B'])('--budget “%s”', async (size) => {
    expect(await fail(['plan', '--model', model, `--budget=${size}`])).toContain(
      `Option --budget must be a size such as 8GB, 6GiB or a number of bytes, not “${size}”.`,
    );
  });

  it('in options, recipe, data and model', async () => {
    expect(await fail(['plan'])).toContain('Option --model is required. Usage: plan --model DIR');
    expect(await fail(['plan', '--model', model, '--measure=1'])).toContain(
      '--measure does not take a value.',
    );
    const bad = recipeFile('bad', { targets: ['qproj'] });
    expect(await fail(['plan', '--model', model, '--recipe', bad])).toContain(
      'This model has no module named qproj.',
    );
    expect(await fail(['plan', '--model', model, '--recipe', bad, '--measure'])).toContain('named qproj.');
    const noData = ['plan', '--model', model, '--data', join(scratch, 'none.jsonl')];
    expect(await fail(noData)).toContain('none.jsonl');
    const wrong = copyFolder(model, join(scratch, 'wrong'), {
      'config.json': withFields({ hidden_size: 72 }),
    });
    expect(await fail(['plan', '--model', wrong])).toMatch(/config\.json requires|must be/);
  });
});
