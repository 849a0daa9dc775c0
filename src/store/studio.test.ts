import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { defaultRecipe } from '../config/recipe.ts';
import { recipeFragment } from '../config/recipeLink.ts';
import { GraftError } from '../lib/errors.ts';
import { sharedPath } from '../testing/shared.ts';
import { deskClient, noCache } from '../testing/workers.ts';
import { textInThread } from '../testing/textWorkers.ts';
import type { Workers } from '../workers/client.ts';
import { createDataDesk } from '../workers/dataDesk.ts';
import { createEngineDesk } from '../workers/engineDesk.ts';
import { createHubDesk } from '../workers/hubDesk.ts';
import type { HubApi } from '../workers/hubProtocol.ts';
import type { DataApi } from '../workers/dataProtocol.ts';
import type { EngineApi, ModelSource, ModelSummary } from '../workers/protocol.ts';
import { Metrics } from './metrics.ts';
import { blockReason, stepStatus } from './steps.ts';
import { createStudio } from './studio.ts';

const folder = sharedPath('models/stories260k');
const source: ModelSource = {
  kind: 'files',
  name: 'stories260k',
  files: readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => new File([readFileSync(`${folder}/${name}`)], name)),
};
const summary: ModelSummary = {
  name: 'stories260k',
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
  linearModules: ['q_proj'],
  headModule: 'lm_head',
  savableModules: ['embed_tokens', 'lm_head'],
  hasTokenizer: true,
  hasChatTemplate: false,
  quantized: null,
};
const stories = new File([readFileSync(sharedPath('data/robot-stories.jsonl'))], 'robot-stories.jsonl');

/** The page's store with the workers' own desks in this thread; Node has no WebGPU, so the engine opens no device. */
function openStudio() {
  const desk = createDataDesk(textInThread);
  const engine = deskClient<EngineApi>(createEngineDesk());
  const hub = deskClient<HubApi>(createHubDesk(noCache));
  const workers: Workers = { engine, data: deskClient<DataApi>(desk), hub };
  const studio = createStudio({ workers, metrics: new Metrics() });
  const openModel = async () => {
    await desk.openTokenizer(source, summary.vocabSize);
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

  it('keeps the data of before when a new file can’t be read', async () => {
    const { studio } = openStudio();
    await studio.getState().openDataset({ kind: 'file', file: stories });
    await studio.getState().openDataset({ kind: 'file', file: new File(['{"a": 1}'], 'odd.jsonl') });
    const { dataset } = studio.getState();
    expect(dataset.error?.code).toBe('data.unknown_format');
    expect(dataset.summary?.name).toBe('robot-stories.jsonl');
    expect(dataset.status).toBe('ready');
  });

  it('offers the lists of a file whose rows are unclear, and reads the one that is chosen', async () => {
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
      ...{ status: 'ready', error: null, unclear: null, source: { kind: 'file', file } },
      summary: { rowsField: 'b', otherRowsFields: ['a'] },
    });
  });

  it('keeps the last good value of a field, and blocks the run until it is corrected', async () => {
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

  it('takes several values at once, but none that the recipe refuses', () => {
    const { studio } = openStudio();
    studio.getState().setFieldText('batch_size', 'many');
    studio.getState().setFields({ batch_size: 2, grad_accum: 8, rank: 9999 });
    expect(studio.getState().recipe).toMatchObject({
      draft: { batch_size: 2, grad_accum: 8, rank: 16 },
      invalid: {},
    });
  });

  it('tokenizes again when a field that matters changes, once for all keystrokes', async () => {
    const { studio, openModel } = openStudio();
    await openModel();
    await studio.getState().openDataset({ kind: 'file', file: stories });
    for (const text of ['1', '14', '140']) studio.getState().setFieldText('max_length', text);
    await vi.waitFor(() => expect(studio.getState().dataset.tokenized?.longest).toBe(140), {
      timeout: 10_000,
    });
    expect(studio.getState().dataset.tokenized?.truncatedRows).toBeGreaterThan(0);
  });

  it('loads a recipe file whole or not at all', async () => {
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

  it('looks at recipes from elsewhere before it takes them, and keeps them by name', () => {
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
    // Kept by a page that had other fields.
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

  it('asks before an unsaved adapter is lost, and keeps it on a no', async () => {
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

  it('lets nothing change during a training', () => {
    const { studio } = openStudio();
    studio.setState(({ run }) => ({ run: { ...run, status: 'running' } }));
    studio.getState().setFieldText('rank', '8');
    studio.getState().applyPreset('qwen');
    expect(studio.getState().recipe.draft).toEqual(defaultRecipe());
    expect(stepStatus(studio.getState(), 'train')).toBe('busy');
  });

  it('says what is gone when the engine is lost, and keeps data and recipe', async () => {
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
