import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import type { Recipe } from '../../base/config/recipe.ts';
import type { GpuLimits } from '../../engine/gpu/dryGpu.ts';
import { openModelHeaders } from '../../engine/model/spec/openModel.ts';
import { nodeFolder } from '../../base/storage/nodeFolder.ts';
import { scratchFolder } from '../../testing/cli.ts';
import { robotStories } from '../../testing/fixtures.ts';
import { writeTinyStories } from '../../testing/tinyStories.ts';
import { patience } from '../../testing/patience.ts';
import { serviceClient, noCache } from '../../testing/workers.ts';
import { textInThread } from '../../content/guard/textInThread.ts';
import { fitRecipe } from '../../engine/train/fitRecipe.ts';
import { planRun, offloadLevels } from '../../engine/train/streamingPlan.ts';
import type { Workers } from '../../hosts/browser/client.ts';
import { createDataService } from '../../hosts/browser/dataService.ts';
import { createEngineService } from '../../hosts/browser/engineService.ts';
import { createHubService } from '../../hosts/browser/hubService.ts';
import type { HubApi } from '../../hosts/browser/hubProtocol.ts';
import { summarize } from '../../hosts/browser/modelSummary.ts';
import type { DataApi } from '../../hosts/browser/dataProtocol.ts';
import type { EngineApi, ModelSource } from '../../hosts/browser/protocol.ts';
import { budgetOf, fitOf, levelAt } from './memory.ts';
import { Metrics } from './metrics.ts';
import { createStudio } from './studio.ts';

const folder = writeTinyStories(scratchFolder());
const source: ModelSource = {
  kind: 'files',
  name: 'tiny-stories',
  files: readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => new File([readFileSync(`${folder}/${name}`)], name)),
};
const stories = new File([readFileSync(robotStories)], 'robot-stories.jsonl');
const device: GpuLimits = { maxBinding: 2 ** 27, hasF16: false, description: 'test' };

/** A page with a model open on a device with given limits: Node has no WebGPU, but plans need none. */
async function openPlanner(limits: GpuLimits = device) {
  const files = await openModelHeaders(nodeFolder(folder));
  const data = createDataService(textInThread);
  const planned: Recipe[] = [];
  const engine = serviceClient<EngineApi>({
    ...createEngineService(),
    planMemory: async (recipe, shapes) => {
      planned.push(recipe);
      const { memory, streaming } = await planRun(files, recipe, limits, shapes);
      return { ...memory, streaming };
    },
    offloadLevels: (recipe, shapes) => offloadLevels(files, recipe, limits, shapes),
    fitRecipe: (recipe, shapes, budget) => fitRecipe(files, recipe, limits, shapes, budget),
  });
  const hub = serviceClient<HubApi>(createHubService(noCache));
  const workers: Workers = { engine, data: serviceClient<DataApi>(data), hub };
  const studio = createStudio({ workers, metrics: new Metrics() });
  const summary = await summarize('tiny-stories', files, null);
  await data.openTokenizer(source, summary.vocabSize);
  const report = { description: 'test', hasF16: false, maxBufferBytes: 2 ** 28 };
  studio.setState({
    device: { status: 'ready', report: { ...report, maxBindingBytes: limits.maxBinding }, error: null },
    model: { ...studio.getState().model, status: 'ready', source, summary, tokenizer: 'fallback' },
  });
  const planOf = (recipe: Partial<Recipe>, isNow = () => true) =>
    vi.waitFor(() => {
      const { memory, recipe: now } = studio.getState();
      expect(now.draft).toMatchObject(recipe);
      expect(memory.planning).toBe(false);
      expect(planned.at(-1)).toBe(now.draft);
      expect(memory.plan !== null && isNow()).toBe(true);
      return memory;
    }, patience);
  return { studio, planned, planOf };
}

describe('the memory of a recipe', () => {
  it('is planned for the current recipe, once for all keystrokes', async () => {
    const { studio, planned, planOf } = await openPlanner();
    const lora = (await planOf({ rank: 16 })).plan!;
    expect(studio.getState().memory.onData).toBe(false);
    const before = planned.length;
    for (const text of ['1', '12', '128']) studio.getState().setFieldText('rank', text);
    const larger = (await planOf({ rank: 128 })).plan!;
    expect(planned.length - before).toBe(1);
    expect(larger.trainableParameters).toBe(8 * lora.trainableParameters);
    studio.getState().setFieldValue('method', 'qlora');
    expect((await planOf({ method: 'qlora' })).plan!.parts.weights).toBeLessThan(lora.parts.weights / 3);
  });

  it('uses the rows of the data once there are some', async () => {
    const { studio, planOf } = await openPlanner();
    const longest = (await planOf({})).plan!;
    expect(longest.tokens).toBe(4 * 512);
    await studio.getState().openDataset({ kind: 'file', file: stories });
    const { plan, onData } = await planOf({}, () => studio.getState().memory.onData);
    expect(onData).toBe(true);
    expect(plan!.tokens).toBeLessThan(longest.tokens);
  });

  it('reaches a run that began before it was made', async () => {
    const { studio, planOf } = await openPlanner();
    await planOf({});
    await studio.getState().openDataset({ kind: 'file', file: stories });
    studio.getState().setFieldValue('method', 'qlora');
    expect(studio.getState().memory.planning).toBe(true);
    // It fails here, where there is no GPU; what was planned for it stays true.
    const training = studio.getState().train();
    expect(studio.getState().run.plan).toBe(null);
    const { plan } = await planOf({ method: 'qlora' });
    expect(studio.getState().run.plan).toEqual(plan);
    await training;
  });

  it('proposes changes if it exceeds the user’s memory, and fits after applying them', async () => {
    const { studio, planOf } = await openPlanner();
    const { plan, advice } = await planOf({});
    expect(advice).toBeNull();
    studio.getState().setPref('gpuMemoryGB', (0.4 * plan!.total) / 1e9);
    const budget = budgetOf(studio.getState())!;
    const proposed = (await planOf({}, () => studio.getState().memory.advice !== null)).advice!;
    expect(proposed.fits).toBe(true);
    expect(proposed.proposals[0]).toMatchObject({ kind: 'micro_batch', status: 'change' });
    const settings = proposed.proposals.reduce((all, proposal) => ({ ...all, ...proposal.settings }), {});
    studio.getState().setFields(settings);
    const after = await planOf(settings);
    expect(after.advice).toBeNull();
    expect(after.plan!.total).toBe(proposed.total);
    expect(fitOf(after.plan!, budget, device.maxBinding)).not.toBe('over');
  });

  it('lists the memory levels, and plans the one for a budget', async () => {
    const { studio, planOf } = await openPlanner();
    await planOf({});
    expect(studio.getState().memory.levels).toBeNull();
    studio.getState().watchLevels(true);
    const levelsNow = () => studio.getState().memory.levels;
    await vi.waitFor(() => expect(levelsNow()).not.toBeNull(), patience);
    const levels = levelsNow()!;
    const totals = levels.map(({ memory }) => memory.total);
    expect(totals.length).toBeGreaterThan(2);
    expect(totals).toEqual(totals.toSorted((a, b) => b - a));
    expect(levelAt(levels, 0)).toBe(0);
    expect(levelAt(levels, totals[1]!)).toBe(1);
    expect(levelAt(levels, totals[1]! - 1)).toBe(2);
    expect(levelAt(levels, 1)).toBe(totals.length - 1);
    studio.getState().setFields({ memory_budget: totals[1]! });
    const { plan } = await planOf({ memory_budget: totals[1]! });
    expect(plan!.total).toBe(totals[1]);
    expect(fitOf(plan!, null, null)).toBe('streams');
    expect(levelsNow()).toBe(levels);
  });

  it('reports a recipe’s error on this model, and plans again after it is corrected', async () => {
    const { studio, planOf } = await openPlanner();
    await planOf({});
    studio.getState().setFieldValue('modules_to_save', ['wte']);
    await vi.waitFor(
      () => expect(studio.getState().memory.error?.code).toBe('train.no_saved_module'),
      patience,
    );
    expect(studio.getState().memory.plan).toBeNull();
    studio.getState().setFieldValue('modules_to_save', ['embed_tokens']);
    expect((await planOf({ modules_to_save: ['embed_tokens'] })).error).toBeNull();
  });

  it('is cleared with the model', async () => {
    const { studio, planOf } = await openPlanner();
    await planOf({});
    studio.setState(({ model }) => ({ model: { ...model, status: 'none', summary: null } }));
    await vi.waitFor(() => expect(studio.getState().memory.plan).toBeNull(), patience);
  });
});

describe('fitOf', () => {
  const streaming = { slots: null, ends: false, spill: false };
  const plan = { total: 900, largestBinding: { bytes: 100, label: 'w' }, streaming };
  it.each([
    [null, null, 'unknown'],
    [null, 99, 'refused'],
    [2000, 99, 'refused'],
    [2000, 100, 'fits'],
    [950, 100, 'tight'],
    [899, 100, 'over'],
  ] as const)('a budget of %s and bindings of %s: %s', (budget, maxBinding, fit) => {
    expect(fitOf(plan, budget, maxBinding)).toBe(fit);
  });
});
