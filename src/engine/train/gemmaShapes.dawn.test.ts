import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nodeFolder } from '../../base/storage/nodeFolder.ts';
import { defaultRecipe } from '../../base/config/recipe.ts';
import { rowShapes } from '../../content/data/tokens/rowShapes.ts';
import { openModelFiles, openModelHeaders } from '../model/spec/openModel.ts';
import { writeRandomModel } from '../speed/randomModel.ts';
import { testGpu } from '../../testing/gpu.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { randomRows } from '../../testing/passes.ts';
import { publishedModels } from '../../testing/publishedModels.ts';
import { measureMemory, planMemory } from './memoryPlan.ts';

refuseLeaks();

const path = mkdtempSync(join(tmpdir(), 'graft-gemma-'));
const folder = nodeFolder(path);
beforeAll(() => writeRandomModel(folder, publishedModels['Gemma 3 270M']));
afterAll(() => rmSync(path, { recursive: true }));

it('a step of LoRA on Gemma 3 270M’s sizes takes what is planned, its logits of 262,144 tokens in chunks', async () => {
  const gpu = await testGpu();
  const recipe = { ...defaultRecipe(), batch_size: 1, epochs: 1 };
  const train = randomRows([24], { vocab: 262_144 });
  const plan = await planMemory(await openModelHeaders(folder), recipe, gpu, {
    train: rowShapes(train),
    evaluation: null,
  });
  const files = await openModelFiles(folder);
  expect(files.spec).toMatchObject({ tied: true, vocabSize: 262_144, embeddingMultiplier: 25.25 });
  const measured = await measureMemory(gpu, files, recipe, { train, evaluation: null });
  expect(plan.parts).toEqual(measured.parts);
  expect([plan.total, plan.loadPeak]).toEqual([measured.total, measured.loadPeak]);
  // The embedding is the head, and there once.
  const vocabulary = 2 * 262_144 * 640;
  expect(plan.parts.weights).toBeGreaterThan(vocabulary);
  expect(plan.parts.weights).toBeLessThan(2 * vocabulary);
});
