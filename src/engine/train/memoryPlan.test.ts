import { afterEach, describe, expect, it, vi } from 'vitest';
import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import { rowShapes } from '../../content/data/tokens/rowShapes.ts';
import { DryGpu, type GpuLimits } from '../gpu/dryGpu.ts';
import { openModelFiles, openModelHeaders, type ModelFiles } from '../model/spec/openModel.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { headerModel, qwen25 } from '../../testing/headerModel.ts';
import { randomRows } from '../../testing/passes.ts';
import { bnbModel, gptqModel } from '../../testing/quantizedModel.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { fitRecipe } from './fitRecipe.ts';
import { planMemory } from './memoryPlan.ts';

const limits: GpuLimits = { maxBinding: 2 ** 31 - 4, hasF16: true, description: 'test' };
const recipeOf = (fields: Partial<Recipe> = {}): Recipe => ({ ...defaultRecipe(), ...fields });
const GB = 1e9;

/** The dispatches that are planned from now on: what a plan costs. */
const dispatches = () => vi.spyOn(DryGpu.prototype, 'used').mock.calls;
afterEach(() => vi.restoreAllMocks());

/** Any read of weights throws. */
const headersOf = (size: keyof typeof qwen25, dtype?: string): Promise<ModelFiles> =>
  openModelHeaders(headerModel(qwen25[size], { dtype }));

describe('a plan of a large model', () => {
  it.each<[keyof typeof qwen25, string, Partial<Recipe>]>([
    ['7B', 'BF16', {}],
    ['7B', 'F32', { dtype: 'f16' }],
    ['7B', 'BF16', { method: 'qlora', double_quant: true, optimizer: 'adamw_8bit' }],
    ['72B', 'BF16', {}],
    ['72B', 'F32', { dtype: 'f16', rank: 64 }],
    ['72B', 'BF16', { method: 'qlora', double_quant: true, eval_fraction: 0.1 }],
  ])('%s in %s takes headers alone: %o', async (size, dtype, fields) => {
    const files = await headersOf(size, dtype);
    const planned = dispatches();
    const { total, parts, loadPeak } = await planMemory(files, recipeOf(fields), limits, null);
    expect(planned.length / files.spec.layers).toBeLessThan(400);
    expect(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0)).toBe(total);
    expect(total).toBeGreaterThan(loadPeak);
  });

  it('has the weights its format says, and the parameters its adapter has', async () => {
    const files = await headersOf('7B');
    const { hiddenSize, vocabSize, layers, linears } = files.spec;
    // Rows of the embedding come from disk; the table has room for a micro-batch's.
    const ends = vocabSize * hiddenSize + recipeOf().batch_size * recipeOf().max_length * hiddenSize;
    const linear = layers * linears.reduce((sum, l) => sum + l.inFeatures * l.outFeatures, 0);
    const planned = async (fields: Partial<Recipe>) => planMemory(files, recipeOf(fields), limits, null);
    const lora = await planned({});
    // Biases and norms are all that is besides.
    expect(lora.parts.weights / (2 * (ends + linear))).toBeCloseTo(1, 3);
    expect((await planned({ method: 'qlora' })).parts.weights / (2 * ends + 0.5625 * linear)).toBeCloseTo(
      1,
      3,
    );
    const nested = (await planned({ method: 'qlora', double_quant: true })).parts.weights;
    expect(nested / (2 * ends + (4.127 / 8) * linear)).toBeCloseTo(1, 3);
    expect(lora.trainableParameters).toBe(
      layers * linears.reduce((sum, l) => sum + 16 * (l.inFeatures + l.outFeatures), 0),
    );
    expect(lora.parts.kept).toBe((layers + 1) * lora.tokens * hiddenSize * 4);
  });
});

describe('a plan', () => {
  const rows = randomRows([5, 30, 3, 24, 60, 7], { masked: 2 });
  const data = { train: rowShapes(rows), evaluation: null };

  it('takes the longest micro-batch that the run will meet', async () => {
    const files = await openModelHeaders(tinyModel());
    const sizes = async (fields: Partial<Recipe>) => {
      const { tokens, targets } = await planMemory(files, recipeOf(fields), limits, data);
      return [tokens, targets];
    };
    expect(await sizes({ batch_size: 2, shuffle: false })).toEqual([67, 63]);
    expect(await sizes({ batch_size: 1 })).toEqual([60, 58]);
    expect(await sizes({ batch_size: 8 })).toEqual([129, 117]);
    // The second step is never reached.
    expect(await sizes({ batch_size: 2, shuffle: false, max_steps: 1 })).toEqual([35, 31]);
    expect(await sizes({ batch_size: 2, shuffle: false, max_length: 10 })).toEqual([17, 14]);
  });

  it('without data takes rows as long as recipe and model allow', async () => {
    const files = await openModelHeaders(tinyModel());
    const sizes = async (fields: Partial<Recipe>) => {
      const { tokens, targets } = await planMemory(files, recipeOf(fields), limits, null);
      return [tokens, targets];
    };
    expect(await sizes({ batch_size: 3, max_length: 20 })).toEqual([60, 57]);
    expect(await sizes({ batch_size: 3, max_length: 1 << 20 })).toEqual([192, 189]);
  });

  it('of a quantized model reads no more than headers, which may cost a little', async () => {
    const folder = tinyModel(gptqModel(16, true));
    const [headers, files] = [await openModelHeaders(folder), await openModelFiles(folder)];
    const [more, exact] = [
      await planMemory(headers, recipeOf(), limits, data),
      await planMemory(files, recipeOf(), limits, data),
    ];
    expect(more.total / exact.total).toBeGreaterThan(1);
    expect(more.total / exact.total).toBeLessThan(1.1);
    const bnb = tinyModel(bnbModel(true));
    expect(await planMemory(await openModelHeaders(bnb), recipeOf(), limits, data)).toEqual(
      await planMemory(await openModelFiles(bnb), recipeOf(), limits, data),
    );
  });

  it('has the largest binding', async () => {
    const plan = await planMemory(
      await headersOf('72B'),
      recipeOf({ batch_size: 16, max_length: 4096, dtype: 'f32' }),
      limits,
      null,
    );
    // q, k and v of all tokens; gate and up pass in parts that a binding holds.
    const bytes = 16 * 4096 * (8192 + 2 * 1024) * 4;
    expect(plan.largestBinding).toEqual({ bytes, label: 'wide activations' });
  });

  it('of an absurd batch is absurd, not slow', async () => {
    const planned = dispatches();
    await planMemory(await headersOf('7B'), recipeOf({ batch_size: 1 }), limits, null);
    const usual = planned.length;
    const recipe = recipeOf({ batch_size: 1024, max_length: 1 << 20 });
    const { total } = await planMemory(await headersOf('7B'), recipe, limits, null);
    expect(total).toBeGreaterThan(1e12);
    expect(planned.length).toBeLessThan(2.1 * usual);
  });

  it('refuses what a run would refuse', async () => {
    const files = await openModelHeaders(tinyModel());
    const plan = (fields: Partial<Recipe>, of: Partial<GpuLimits> = {}) =>
      planMemory(files, recipeOf(fields), { ...limits, ...of }, data);
    await expectGraftError(() => plan({ targets: ['none'] }), 'train.no_targets');
    await expectGraftError(() => plan({ layers: [2] }), 'train.layer_out_of_range');
    const head = { head: 'nf4', module: 'lm_head' };
    await expectGraftError(() => plan({ head: 'nf4', method: 'full' }), 'train.head_trained', head);
    const saved = ['embed_tokens', 'lm_head'];
    await expectGraftError(() => plan({ head: 'nf4', modules_to_save: saved }), 'train.head_trained', head);
    expect((await plan({ head: 'nf4', modules_to_save: ['embed_tokens'] })).total).toBeGreaterThan(0);
    await expectGraftError(() => plan({ dtype: 'f16' }, { hasF16: false }), 'gpu.no_f16');
    const none = { train: rowShapes(randomRows([])), evaluation: null };
    await expectGraftError(() => planMemory(files, recipeOf(), limits, none), 'train.no_rows');
  });
});

describe('a recipe that does not fit', () => {
  it('is left alone when it fits', async () => {
    const files = await headersOf('0.5B');
    const recipe = recipeOf();
    const fit = await fitRecipe(files, recipe, limits, null, 8 * GB);
    expect(fit).toMatchObject({ fits: true, proposals: [], recipe });
    expect(fit.plan.total).toBeLessThan(8 * GB);
  });

  it('gets a smaller micro-batch with the same rows a step, no smaller than needed', async () => {
    const files = await headersOf('0.5B');
    const recipe = recipeOf({ batch_size: 12, grad_accum: 2 });
    const { total: half } = await planMemory(files, { ...recipe, batch_size: 6 }, limits, null);
    const fit = await fitRecipe(files, recipe, limits, null, half);
    expect(fit.proposals).toEqual([
      {
        kind: 'micro_batch',
        status: 'change',
        settings: { batch_size: 6, grad_accum: 4 },
        total: half,
        cutRows: 0,
      },
    ]);
    expect(fit).toMatchObject({ fits: true, recipe: { batch_size: 6, grad_accum: 4 } });
    const odd = await fitRecipe(files, recipeOf({ batch_size: 15 }), limits, null, half);
    expect(odd.recipe).toMatchObject({ batch_size: 5, grad_accum: 3 });
  });

  it('of 7B gets into 8 GB with 4 bits, and keeps its rows whole', async () => {
    const plans = vi.spyOn(DryGpu.prototype, 'destroy').mock.calls;
    const fit = await fitRecipe(await headersOf('7B'), recipeOf(), limits, null, 8 * GB);
    expect(plans.length).toBeLessThan(20);
    expect(fit.proposals.map(({ kind, status, settings }) => ({ kind, status, settings }))).toEqual([
      { kind: 'micro_batch', status: 'change', settings: { batch_size: 2, grad_accum: 2 } },
      { kind: 'checkpointing', status: 'already', settings: {} },
      { kind: 'four_bits', status: 'change', settings: { method: 'qlora' } },
    ]);
    const totals = fit.proposals.map(({ total }) => total);
    expect(totals).toEqual([...totals].sort((a, b) => b - a));
    expect(fit.fits).toBe(true);
    expect(fit.plan.total).toBe(totals.at(-1));
    expect(fit.plan).toEqual(await planMemory(await headersOf('7B'), fit.recipe, limits, null));
  });

  it('gets shorter rows where those are what it takes, and reports how many are cut', async () => {
    const files = await headersOf('0.5B');
    const tokens = Uint32Array.of(4000, 3000, 900, 100);
    const data = { train: { tokens, targets: tokens.map((n) => n - 1), weighted: false }, evaluation: null };
    const recipe = recipeOf({ batch_size: 2, max_length: 8192 });
    const at = (fields: Partial<Recipe>) => planMemory(files, { ...recipe, ...fields }, limits, data);
    const { total: budget } = await at({ batch_size: 1, grad_accum: 2, max_length: 1000 });
    const fit = await fitRecipe(files, recipe, limits, data, budget);
    expect(fit.fits).toBe(true);
    expect(fit.proposals.map(({ kind, settings, cutRows }) => ({ kind, settings, cutRows }))).toEqual([
      { kind: 'micro_batch', settings: { batch_size: 1, grad_accum: 2 }, cutRows: 0 },
      { kind: 'checkpointing', settings: {}, cutRows: 0 },
      { kind: 'shorter_rows', settings: { max_length: 1000 }, cutRows: 2 },
    ]);
  });

  it('of 72B is refused with the advice to stream layers, with the best that settings can do', async () => {
    const files = await headersOf('72B');
    const fit = await fitRecipe(files, recipeOf(), limits, null, 2 * GB);
    expect(fit.fits).toBe(false);
    expect(fit.proposals.map(({ kind, status }) => `${kind} ${status}`)).toEqual([
      'micro_batch change',
      'checkpointing already',
      'shorter_rows change',
      'four_bits change',
      'head change',
      'kept_inputs change',
      'streaming change',
    ]);
    expect(fit.recipe).toMatchObject({ batch_size: 1, max_length: 128, method: 'qlora', double_quant: true });
    expect(fit.recipe.memory_budget).toBe(2 * GB);
    // The adapter's states stay: a smaller rank would fit.
    const smaller = await fitRecipe(files, { ...fit.recipe, rank: 2 }, limits, null, 2 * GB);
    expect(smaller.fits).toBe(true);
  });

  it('is not advised to quantize what is quantized', async () => {
    const files = await openModelFiles(tinyModel(bnbModel(false)));
    const { proposals } = await fitRecipe(files, recipeOf(), limits, null, 1);
    expect(proposals.map(({ kind }) => kind)).not.toContain('four_bits');
  });

  it('is made smaller for a binding too', async () => {
    const files = await headersOf('0.5B');
    const small = { ...limits, maxBinding: 2 ** 27 };
    const recipe = recipeOf({ batch_size: 64 });
    const fit = await fitRecipe(files, recipe, small, null, 100 * GB);
    expect(fit.fits).toBe(true);
    expect(fit.plan.largestBinding.bytes).toBeLessThanOrEqual(2 ** 27);
    expect(fit.recipe).toMatchObject({ batch_size: 16, grad_accum: 4 });
  });
});
