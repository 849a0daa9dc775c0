import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import type { Recipe } from '../config/recipe.ts';
import type { GpuLimits } from '../gpu/dryGpu.ts';
import { openModelHeaders } from '../model/openModel.ts';
import { nodeFolder } from '../storage/nodeFolder.ts';
import { sharedPath } from '../testing/shared.ts';
import { deskClient, noCache } from '../testing/workers.ts';
import { textInThread } from '../testing/textWorkers.ts';
import { fitRecipe } from '../train/fitRecipe.ts';
import { planRun, streamingRungs } from '../train/streamingPlan.ts';
import type { Workers } from '../workers/client.ts';
import { createDataDesk } from '../workers/dataDesk.ts';
import { createEngineDesk } from '../workers/engineDesk.ts';
import { createHubDesk } from '../workers/hubDesk.ts';
import type { HubApi } from '../workers/hubProtocol.ts';
import { summarize } from '../workers/modelSummary.ts';
import type { DataApi } from '../workers/dataProtocol.ts';
import type { EngineApi, ModelSource } from '../workers/protocol.ts';
import { budgetOf, fitOf, rungAt } from './memory.ts';
import { Metrics } from './metrics.ts';
import { createStudio } from './studio.ts';

const folder = sharedPath('models/stories260k');
const source: ModelSource = {
  kind: 'files',
  name: 'stories260k',
  files: readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => new File([readFileSync(`${folder}/${name}`)], name)),
};
const stories = new File([readFileSync(sharedPath('data/robot-stories.jsonl'))], 'robot-stories.jsonl');
const device: GpuLimits = { maxBinding: 2 ** 27, hasF16: false, description: 'test' };

/** A page with a model open on a device of given limits: Node has no WebGPU, but plans need none. */
async function openPlanner(limits: GpuLimits = device) {
  const files = await openModelHeaders(nodeFolder(folder));
  const data = createDataDesk(textInThread);
  const planned: Recipe[] = [];
  const engine = deskClient<EngineApi>({
    ...createEngineDesk(),
    planMemory: async (recipe, shapes) => {
      planned.push(recipe);
      const { memory, streaming } = await planRun(files, recipe, limits, shapes);
      return { ...memory, streaming };
    },
    streamingRungs: (recipe, shapes) => streamingRungs(files, recipe, limits, shapes),
    fitRecipe: (recipe, shapes, budget) => fitRecipe(files, recipe, limits, shapes, budget),
  });
  const hub = deskClient<HubApi>(createHubDesk(noCache));
  const workers: Workers = { engine, data: deskClient<DataApi>(data), hub };
  const studio = createStudio({ workers, metrics: new Metrics() });
  const summary = await summarize('stories260k', files, null);
  await data.openTokenizer(source, summary.vocabSize);
  const report = { description: 'test', hasF16: false, maxBufferBytes: 2 ** 28 };
  studio.setState({
    device: { status: 'ready', report: { ...report, maxBindingBytes: limits.maxBinding }, error: null },
    model: { ...studio.getState().model, status: 'ready', source, summary, tokenizer: 'fallback' },
  });
  const planOf = (recipe: Partial<Recipe>, isNow = () => true) =>
    vi.waitFor(
      () => {
        const { memory, recipe: now } = studio.getState();
        expect(now.draft).toMatchObject(recipe);
        expect(memory.planning).toBe(false);
        expect(planned.at(-1)).toBe(now.draft);
        expect(memory.plan !== null && isNow()).toBe(true);
        return memory;
      },
      { timeout: 5000 },
    );
  return { studio, planned, planOf };
}

describe('the memory of a recipe', () => {
  it('is planned for the recipe of now, once for all keystrokes', async () => {
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

  it('counts the rows of the data once there are some', async () => {
    const { studio, planOf } = await openPlanner();
    const longest = (await planOf({})).plan!;
    expect(longest.tokens).toBe(4 * 512);
    await studio.getState().openDataset({ kind: 'file', file: stories });
    const { plan, onData } = await planOf({}, () => studio.getState().memory.onData);
    expect(onData).toBe(true);
    expect(plan!.tokens).toBeLessThan(longest.tokens);
  });

  it('proposes what to change when it exceeds what the person said there is, and fits when that is done', async () => {
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

  it('knows the ways to run it with less, and plans the one a budget gets', async () => {
    const { studio, planOf } = await openPlanner();
    await planOf({});
    expect(studio.getState().memory.rungs).toBeNull();
    studio.getState().watchRungs(true);
    const rungsNow = () => studio.getState().memory.rungs;
    await vi.waitFor(() => expect(rungsNow()).not.toBeNull(), { timeout: 5000 });
    const rungs = rungsNow()!;
    const totals = rungs.map(({ memory }) => memory.total);
    expect(totals.length).toBeGreaterThan(2);
    expect(totals).toEqual(totals.toSorted((a, b) => b - a));
    expect(rungAt(rungs, 0)).toBe(0);
    expect(rungAt(rungs, totals[1]!)).toBe(1);
    expect(rungAt(rungs, totals[1]! - 1)).toBe(2);
    expect(rungAt(rungs, 1)).toBe(totals.length - 1);
    studio.getState().setFields({ memory_budget: totals[1]! });
    const { plan } = await planOf({ memory_budget: totals[1]! });
    expect(plan!.total).toBe(totals[1]);
    expect(fitOf(plan!, null, null)).toBe('streams');
    expect(rungsNow()).toBe(rungs);
  });

  it('says what is wrong with a recipe on this model, and plans again when it is put right', async () => {
    const { studio, planOf } = await openPlanner();
    await planOf({});
    studio.getState().setFieldValue('modules_to_save', ['wte']);
    await vi.waitFor(() => expect(studio.getState().memory.error?.code).toBe('train.no_saved_module'));
    expect(studio.getState().memory.plan).toBeNull();
    studio.getState().setFieldValue('modules_to_save', ['embed_tokens']);
    expect((await planOf({ modules_to_save: ['embed_tokens'] })).error).toBeNull();
  });

  it('is forgotten with the model', async () => {
    const { studio, planOf } = await openPlanner();
    await planOf({});
    studio.setState(({ model }) => ({ model: { ...model, status: 'none', summary: null } }));
    await vi.waitFor(() => expect(studio.getState().memory.plan).toBeNull());
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
