import { beforeEach, describe, expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import type { Gpu } from '../gpu/device.ts';
import type { CheckpointData } from '../../content/runs/types.ts';
import { activationType, closeDecoder, openDecoder } from '../model/weights/openDecoder.ts';
import { openModelFiles } from '../model/spec/openModel.ts';
import { copyOf } from '../../testing/checkpoints.ts';
import { expectClose } from '../../testing/compare.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { testGpu } from '../../testing/gpu.ts';
import { needF16 } from '../../testing/needs.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { randomRows, readBuffers } from '../../testing/passes.ts';
import { tinyFamilies } from '../../testing/tinyFamilies.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { planMemory, measureMemory } from './memoryPlan.ts';
import { startTraining } from './startTraining.ts';
import { chooseStreaming } from './streamingPlan.ts';
import { train, type StepReport } from './trainer.ts';

const rows = randomRows([5, 3, 7, 4, 6, 2]);

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

function recipeOf(fields: Partial<Recipe> = {}): Recipe {
  const settings = { lr: 3e-3, schedule: 'constant', batch_size: 6, shuffle: false, max_steps: 12 } as const;
  return { ...defaultRecipe(), ...settings, method: 'full', ...fields };
}

async function run(
  fields: Partial<Recipe> = {},
  config: Record<string, unknown> = {},
  resume: CheckpointData | null = null,
) {
  const recipe = recipeOf(fields);
  const files = await openModelFiles(tinyModel({ config }));
  const decoder = await openDecoder(gpu, files, activationType(gpu, recipe));
  const adapter = await startTraining(decoder, recipe);
  const start = await readBuffers(gpu, adapter.params);
  const reports: StepReport[] = [];
  const saved = new Map<number, CheckpointData>();
  await train({
    decoder,
    adapter,
    recipe,
    dataset: rows,
    evalDataset: null,
    resume,
    checkpoints: {
      seconds: 1e6,
      model: 'tiny',
      save: async (data) => void saved.set(data.step, await copyOf(data)),
    },
    onStep: (report) => reports.push(report),
    onEval: () => undefined,
    shouldStop: () => false,
  });
  const params = await readBuffers(gpu, adapter.params);
  const [matrices = 0] = adapter.segments.filter(({ decays }) => decays).map(({ count }) => count);
  adapter.dispose();
  closeDecoder(decoder);
  return { reports, saved, start, params, matrices, losses: reports.map(({ loss }) => loss) };
}

const qwen3 = { architectures: ['Qwen3ForCausalLM'], model_type: 'qwen3', head_dim: 8 };

describe.each([{}, { ...qwen3, tie_word_embeddings: true }])('a run of all parameters, %j', (config) => {
  it('learns its rows, and the same bits again', async () => {
    const { losses, params, reports } = await run({}, config);
    expect(losses.at(-1)!).toBeLessThan(0.5 * losses[0]!);
    const again = await run({}, config);
    expect(again.params).toEqual(params);
    expect(again.reports).toEqual(reports);
  });

  it('does not depend on how the rows of a step are divided', async () => {
    const whole = await run({ max_steps: 3 }, config);
    for (const division of [
      { batch_size: 1, grad_accum: 6 },
      { batch_size: 2, grad_accum: 3 },
    ]) {
      const divided = await run({ max_steps: 3, ...division }, config);
      const numbers = ({ reports }: typeof whole) =>
        reports.flatMap(({ loss, gradNorm }) => [loss, gradNorm]);
      expectClose(numbers(divided), numbers(whole), { rtol: 2e-5 });
    }
  });
});

it('learns with activations in f16 as in f32, but for rounding', async (context) => {
  needF16(context, gpu);
  const config = { ...qwen3, attention_bias: true };
  const [half, whole] = [await run({ dtype: 'f16' }, config), await run({}, config)];
  expect(half.params).not.toEqual(whole.params);
  expectClose(half.losses, whole.losses, { rtol: 0.02 });
});

it('resumes from a checkpoint to the same bits', async () => {
  const fields = { max_steps: 5, shuffle: true, batch_size: 2, checkpoint_steps: 1, weight_decay: 0.1 };
  const whole = await run(fields, { attention_bias: true });
  const resumed = await run(fields, { attention_bias: true }, whole.saved.get(2)!);
  expect(resumed.reports).toEqual(whole.reports.slice(2));
  expect(resumed.params).toEqual(whole.params);
});

it('weight decay shrinks matrices and leaves norms and biases alone', async () => {
  // One step: both take the same from the gradient, and the decay comes besides.
  const fields = { lr: 1e-3, max_steps: 1, warmup_steps: 0 };
  const biased = { attention_bias: true };
  const decayed = await run({ ...fields, weight_decay: 10 }, biased);
  const plain = await run({ ...fields, weight_decay: 0 }, biased);
  const { matrices, start } = plain;
  expectClose(
    decayed.params.subarray(0, matrices),
    plain.params.subarray(0, matrices).map((value, i) => value - 0.01 * start[i]!),
    { atol: 1e-6 },
  );
  expect(decayed.params.subarray(matrices)).toEqual(plain.params.subarray(matrices));
});

describe('the memory plan of a run of all parameters', () => {
  it.each([
    ['Qwen3', qwen3, {}],
    ['Qwen3', qwen3, { optimizer: 'adamw_8bit' as const, batch_size: 2 }],
    ['several mixers', tinyFamilies.lfm2!, {}],
  ])('is what is measured, %s, %j', async (_, config, fields) => {
    const files = await openModelFiles(tinyModel({ config }));
    const recipe = recipeOf(fields);
    const plan = await planMemory(files, recipe, gpu, null);
    const use = await measureMemory(gpu, files, recipe, null);
    const { total, parts, trainableParameters, loadPeak } = plan;
    expect({ total, parts, trainableParameters, loadPeak }).toEqual(use);
    expect(parts.gradients).toBeGreaterThanOrEqual(4 * trainableParameters);
  });

  it('has nothing that could wait on disk', async () => {
    const files = await openModelFiles(tinyModel());
    const { total } = await planMemory(files, recipeOf(), gpu, null);
    const fits = recipeOf({ memory_budget: total });
    expect((await chooseStreaming(files, fits, gpu, null)).slots).toBeNull();
    const short = recipeOf({ memory_budget: total - 1 });
    await expectGraftError(() => chooseStreaming(files, short, gpu, null), 'train.full_budget');
  });
});
