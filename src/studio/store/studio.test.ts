import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { defaultRecipe } from '../../base/config/recipe.ts';
import { recipeFragment } from '../../base/config/recipeLink.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { scratchFolder } from '../../testing/cli.ts';
import { patience } from '../../testing/patience.ts';
import { robotStories } from '../../testing/fixtures.ts';
import { writeTinyStories } from '../../testing/tinyStories.ts';
import { serviceClient, noCache } from '../../testing/workers.ts';
import { textInThread } from '../../content/guard/textInThread.ts';
import type { Workers } from '../../hosts/browser/client.ts';
import { createDataService } from '../../hosts/browser/dataService.ts';
import { createEngineService } from '../../hosts/browser/engineService.ts';
import { createHubService } from '../../hosts/browser/hubService.ts';
import type { HubApi } from '../../hosts/browser/hubProtocol.ts';
import type { DataApi } from '../../hosts/browser/dataProtocol.ts';
import type { EngineApi, ModelSource, ModelSummary } from '../../hosts/browser/protocol.ts';
import { Metrics } from './metrics.ts';
import { blockReason, stepStatus } from './steps.ts';
import { createStudio } from './studio.ts';

const folder = writeTinyStories(scratchFolder());
const source: ModelSource = {
  kind: 'files',
  name: 'tiny-stories',
  files: readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => new File([readFileSync(`${folder}/${name}`)], name)),
};
const summary: ModelSummary = {
  name: 'tiny-stories',
  family: 'llama',
  parameters: 260_032,
  bytes: 1_044_992,
  layers: 5,
  hiddenSize: 64,
  vocabSize: 512,
  maxPositions: 512,
  dtypes: ['F32'],
  tied: true,
  files: [],
  gguf: null,
  linearModules: ['q_proj'],
  headModule: 'lm_head',
  savableModules: ['embed_tokens', 'lm_head'],
  hasTokenizer: true,
  hasChatTemplate: false,
  quantized: null,
};
const stories = new File([readFileSync(robotStories)], 'robot-stories.jsonl');

/** The page's store with the workers' services in this thread; Node has no WebGPU, so the engine opens no device. */
function openStudio(engineOf: Partial<EngineApi> = {}, dataOf: Partial<DataApi> = {}) {
  const service = { ...createDataService(textInThread), ...dataOf };
  const engine = serviceClient<EngineApi>({ ...createEngineService(), ...engineOf });
  const hub = serviceClient<HubApi>(createHubService(noCache));
  const workers: Workers = { engine, data: serviceClient<DataApi>(service), hub };
  const studio = createStudio({ workers, metrics: new Metrics() });
  const openModel = async () => {
    await service.openTokenizer(source, summary.vocabSize);
    const { model } = studio.getState();
    studio.setState({ model: { ...model, status: 'ready', source, summary, tokenizer: 'fallback' } });
  };
  return {
    studio,
    openModel,
    lose: (error: GraftError) => engine.restart(error),
  };
}

describe('studio', () => {
  it('leads from an empty page to a run that can start', async () => {
    const { studio, openModel } = openStudio();
    const reason = () => blockReason(studio.getState(), 'train');
    expect(reason()).toBe('noModelNoData');
    await studio.getState().openDataset({ kind: 'file', file: stories });
    expect(reason()).toBe('noModel');
    await openModel();
    await studio.getState().tokenize();
    expect(reason()).toBeNull();
    expect(studio.getState().dataset.preview?.line).toBe(1);
    expect(stepStatus(studio.getState(), 'data')).toBe('done');
    expect(stepStatus(studio.getState(), 'recipe')).toBe('done');
    expect(stepStatus(studio.getState(), 'train')).toBe('current');
  });

  it('keeps the previous data if a new file can’t be read', async () => {
    const { studio } = openStudio();
    await studio.getState().openDataset({ kind: 'file', file: stories });
    await studio.getState().openDataset({ kind: 'file', file: new File(['{"a": 1}'], 'odd.jsonl') });
    const { dataset } = studio.getState();
    expect(dataset.error?.code).toBe('data.unknown_format');
    expect(dataset.summary?.name).toBe('robot-stories.jsonl');
    expect(dataset.status).toBe('ready');
  });

  it('offers the lists of a file whose rows are ambiguous, and reads the chosen one', async () => {
    const { studio } = openStudio();
    await studio.getState().openDataset({ kind: 'file', file: stories });
    const rows = [{ prompt: 'Who?', completion: 'Zip' }];
    const file = new File([JSON.stringify({ a: rows, b: rows })], 'two.json');
    await studio.getState().openDataset({ kind: 'file', file });
    const { unclear, summary: before } = studio.getState().dataset;
    expect(before?.name).toBe('robot-stories.jsonl');
    expect(unclear).toEqual({ source: { kind: 'file', file }, fields: ['a', 'b'] });
    await studio.getState().openDataset(unclear!.source, 'b');
    expect(studio.getState().dataset).toMatchObject({
      status: 'ready',
      error: null,
      unclear: null,
      source: { kind: 'file', file },
      summary: { rowsField: 'b', otherRowsFields: ['a'] },
    });
  });

  it('keeps the last valid value of a field, and blocks the run until it is corrected', async () => {
    const { studio, openModel } = openStudio();
    await openModel();
    await studio.getState().openDataset({ kind: 'file', file: stories });
    studio.getState().setFieldText('rank', '9999');
    expect(studio.getState().recipe).toMatchObject({ draft: { rank: 16 }, invalid: { rank: '9999' } });
    expect(blockReason(studio.getState(), 'train')).toBe('recipeInvalid');
    studio.getState().setFieldText('rank', '8');
    expect(studio.getState().recipe).toMatchObject({ draft: { rank: 8 }, invalid: {} });
    expect(blockReason(studio.getState(), 'train')).toBeNull();
  });

  it('answers questions with several settings, which follow model and data until the user changes them', async () => {
    const { studio, openModel } = openStudio();
    const recipe = () => studio.getState().recipe;
    expect(recipe().answers).toEqual({ length: 'normal', goal: 'task', memory: 'plenty' });
    await openModel();
    expect(recipe()).toMatchObject({ draft: { lr: 3e-3, rank: 16 }, moved: { lr: 2e-4 } });
    await studio.getState().openDataset({ kind: 'file', file: stories });
    expect(studio.getState().dataset.tokenized).toMatchObject({ rows: 216, evalRows: 24 });
    expect(recipe().draft).toMatchObject({ epochs: 3, warmup_steps: 5, load_best: false });
    studio.getState().answer('length', 'thorough');
    expect(recipe()).toMatchObject({
      draft: { epochs: 6, warmup_steps: 10, load_best: true },
      moved: { epochs: 3, warmup_steps: 5, load_best: false },
    });
    studio.getState().setFieldText('rank', '12');
    expect(recipe().answers).toEqual({ length: 'thorough', goal: null, memory: 'plenty' });
    studio.setState(({ model }) => ({ model: { ...model, summary: { ...summary, parameters: 7e9 } } }));
    // The answer that no longer holds is the user's own settings now.
    expect(recipe().draft).toMatchObject({ lr: 3e-3, rank: 12, epochs: 6 });
    studio.getState().answer('goal', 'task');
    expect(recipe()).toMatchObject({ draft: { lr: 1e-4, rank: 16 }, moved: { lr: 3e-3, rank: 12 } });
  });

  it('moves the learning rate with the objective, unless it is the user’s own', async () => {
    const { studio, openModel } = openStudio();
    const draft = () => studio.getState().recipe.draft;
    await openModel();
    studio.getState().setFields({ objective: 'dpo' });
    expect(draft()).toMatchObject({ objective: 'dpo', lr: 3e-4 });
    expect(studio.getState().recipe).toMatchObject({ answers: { goal: 'task' }, moved: { lr: 3e-3 } });
    studio.getState().setFields({ objective: 'sft' });
    expect(draft()).toMatchObject({ objective: 'sft', lr: 3e-3 });
    studio.getState().setFieldText('lr', '2e-3');
    studio.getState().setFields({ objective: 'dpo' });
    expect(draft().lr).toBe(2e-3);
  });

  it('takes a recipe file at its word, whatever the model', async () => {
    const { studio, openModel } = openStudio();
    await studio.getState().loadRecipe(new File(['{"max_steps": 9}'], 'recipe.json'));
    await openModel();
    expect(studio.getState().recipe.draft).toEqual({ ...defaultRecipe(), max_steps: 9 });
  });

  it('sets several values at once, except those that the recipe rejects', () => {
    const { studio } = openStudio();
    studio.getState().setFieldText('batch_size', 'many');
    studio.getState().setFields({ batch_size: 2, grad_accum: 8, rank: 9999 });
    expect(studio.getState().recipe).toMatchObject({
      draft: { batch_size: 2, grad_accum: 8, rank: 16 },
      invalid: {},
    });
  });

  it('tokenizes again when a relevant field changes, once for all keystrokes', async () => {
    const { studio, openModel } = openStudio();
    await openModel();
    await studio.getState().openDataset({ kind: 'file', file: stories });
    for (const text of ['7', '70']) studio.getState().setFieldText('max_length', text);
    // Pressing Train at once would train on the rows as they were cut before.
    expect(blockReason(studio.getState(), 'train')).toBe('dataNotReady');
    await vi.waitFor(() => expect(studio.getState().dataset.tokenized?.longest).toBe(70), patience);
    await vi.waitFor(() => expect(blockReason(studio.getState(), 'train')).toBe(null), patience);
    expect(studio.getState().dataset.tokenized?.truncatedRows).toBeGreaterThan(0);
  });

  it('loads a recipe file completely or not at all', async () => {
    const { studio } = openStudio();
    const load = (json: string) => studio.getState().loadRecipe(new File([json], 'recipe.json'));
    await load('{"rank": 4, "schedule": "linear"}');
    expect(studio.getState().recipe.draft).toEqual({ ...defaultRecipe(), rank: 4, schedule: 'linear' });
    await load('{"rank": 5, "colour": "green"}');
    expect(studio.getState().recipe.error?.code).toBe('train.recipe_unknown_key');
    await load('not json');
    expect(studio.getState().recipe.error?.code).toBe('train.recipe_not_object');
    expect(studio.getState().recipe.draft.rank).toBe(4);
  });

  it('proposes recipes from elsewhere before applying them, and saves them by name', () => {
    const { studio } = openStudio();
    const { readRecipeLink, readFlags, answerProposal, saveNamed, loadNamed, removeNamed } =
      studio.getState();
    readRecipeLink(recipeFragment({ ...defaultRecipe(), rank: 4 }));
    expect(studio.getState().recipe).toMatchObject({ draft: { rank: 16 }, proposal: { from: 'link' } });
    answerProposal(false);
    expect(studio.getState().recipe).toMatchObject({ draft: { rank: 16 }, proposal: null });
    readRecipeLink('#recipe=%');
    expect(studio.getState().recipe.error?.code).toBe('train.shared_broken');
    readFlags('--use_lora --lora_r 12');
    answerProposal(true);
    expect(studio.getState().recipe.draft).toMatchObject({ rank: 12, method: 'lora', lr: 5e-5 });
    saveNamed('mine');
    studio.getState().applyPreset('balanced');
    loadNamed('mine');
    expect(studio.getState().recipe.draft.rank).toBe(12);
    // Saved by a page with other fields.
    studio.setState(({ recipe }) => ({
      recipe: { ...recipe, saved: [{ name: 'old', changes: { rank: 2, colour: 'green' } }] },
    }));
    loadNamed('old');
    expect(studio.getState().recipe).toMatchObject({
      draft: { rank: 12 },
      proposal: { unknown: ['colour'] },
    });
    removeNamed('old');
    expect(studio.getState().recipe.saved).toEqual([]);
  });

  it('asks before an unsaved adapter is lost, and keeps it if declined', async () => {
    const { studio, openModel } = openStudio();
    await openModel();
    studio.setState({ adapter: { origin: 'trained', saved: false, steps: 3, run: null, method: 'lora' } });
    await studio.getState().chooseModel(source);
    expect(studio.getState().question?.kind).toBe('discard');
    studio.getState().answerQuestion(false);
    expect(studio.getState().question).toBeNull();
    expect(studio.getState().adapter).toMatchObject({ steps: 3 });
    expect(studio.getState().model.status).toBe('ready');
  });

  it('points to the data when it can’t be used with the model', async () => {
    const { studio, openModel } = openStudio();
    await openModel();
    await studio
      .getState()
      .openDataset({ kind: 'file', file: new File(['{"input_ids":[1,9999]}'], 'ids.jsonl') });
    expect(studio.getState().dataset).toMatchObject({
      tokenized: null,
      error: { code: 'data.no_valid_rows' },
    });
    expect(blockReason(studio.getState(), 'train')).toBe('dataUnusable');
  });

  it('allows no changes during training', () => {
    const { studio } = openStudio();
    studio.setState(({ run }) => ({ run: { ...run, status: 'running' } }));
    studio.getState().setFieldText('rank', '8');
    studio.getState().applyPreset('qwen');
    expect(studio.getState().recipe.draft).toEqual(defaultRecipe());
    expect(stepStatus(studio.getState(), 'train')).toBe('busy');
  });

  it.each(['the first model', 'another model'])(
    'does not say that a model is open that the engine lost while it opened: %s',
    async (which) => {
      const planned: string[] = [];
      const { studio, lose } = openStudio(
        {
          openModel: async () => summary,
          planMemory: async () => {
            planned.push(studio.getState().model.status);
            throw new Error('internal: no model is open');
          },
        },
        {
          // The engine has opened the model; it is lost before its tokenizer is read.
          openTokenizer: async () => {
            lose(new GraftError('workers.crashed', { worker: 'engine', reason: 'out of memory' }));
            return null;
          },
        },
      );
      if (which === 'another model')
        studio.setState(({ model }) => ({ model: { ...model, status: 'ready', source, summary } }));
      studio.setState(({ device }) => ({ device: { ...device, status: 'ready' } }));
      await studio.getState().chooseModel({ ...source, name: 'other' });
      expect(studio.getState().model).toMatchObject({
        status: 'none',
        opening: '',
        summary: null,
        error: { code: 'workers.crashed' },
      });
      // A plan that waits for the data must not ask an engine without a model either.
      studio.getState().replan();
      await vi.waitFor(() => expect(studio.getState().memory.planning).toBe(false), patience);
      expect(planned).toEqual([]);
      expect(studio.getState().memory.error).toBeNull();
    },
  );

  it('reports what is gone when the engine is lost, and keeps data and recipe', async () => {
    const { studio, openModel, lose } = openStudio();
    await openModel();
    await studio.getState().openDataset({ kind: 'file', file: stories });
    studio.setState({ adapter: { origin: 'trained', saved: false, steps: 3, run: null, method: 'lora' } });
    lose(new GraftError('workers.crashed', { worker: 'engine', reason: 'out of memory' }));
    const state = studio.getState();
    expect(state.model).toMatchObject({
      status: 'none',
      summary: null,
      source,
      error: { code: 'workers.crashed' },
    });
    expect(state.adapter).toBeNull();
    expect(state.dataset.summary?.rows).toBe(240);
  });
});
