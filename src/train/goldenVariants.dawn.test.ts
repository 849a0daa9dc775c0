import { afterEach, expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from '../config/recipe.ts';
import { readAdapter } from '../formats/peft.ts';
import { noChoices, productKey, type Product } from '../gpu/choices.ts';
import { matmulVariants, runsVariant, type MatmulVariant } from '../kernels/matmulVariants.ts';
import { loadAdapter } from '../model/adapterFiles.ts';
import { closeDecoder, openDecoder, quantizationOf } from '../model/openDecoder.ts';
import { openModelFiles } from '../model/openModel.ts';
import { resident } from '../model/streaming.ts';
import { goldenRecipe, readGolden, sharedFolder, trainingRows } from '../testing/golden.ts';
import { testGpu } from '../testing/gpu.ts';
import { dataShapes } from './largestBatch.ts';
import { prepareRun } from './prepare.ts';
import { train, type StepReport } from './trainer.ts';

/** Steps that are compared: the first has only zeros for B, the second has all of it. */
const STEPS = 2;

afterEach(async () => {
  (await testGpu()).choices = noChoices;
});

/** The first steps of a reference run. */
async function firstSteps(run: string): Promise<StepReport[]> {
  const gpu = await testGpu();
  const golden = readGolden(run);
  const files = await openModelFiles(sharedFolder(`models/${golden.model}`));
  const dataset = trainingRows(golden);
  const method = golden.quant === 'nf4' ? ('qlora' as const) : ('lora' as const);
  const recipe: Recipe = {
    ...defaultRecipe(),
    ...goldenRecipe(golden),
    dtype: 'f32',
    method,
    double_quant: false,
  };
  const data = dataShapes({ train: dataset, evaluation: null });
  const { loaded: decoder } = await prepareRun(gpu, { files, recipe, data, streaming: resident }, () =>
    openDecoder(gpu, files, 'f32', { quantize: quantizationOf(recipe), streaming: resident }),
  );
  const { size } = gpu.kernels;
  const initial = await readAdapter(sharedFolder(`golden/${run}/init_adapter`));
  const adapter = await loadAdapter(gpu, files.spec, initial);
  const reports: StepReport[] = [];
  await train({
    decoder,
    adapter,
    recipe,
    dataset,
    evalDataset: null,
    onStep: (report) => reports.push(report),
    onEval: () => undefined,
    shouldStop: () => reports.length >= STEPS,
  });
  adapter.dispose();
  closeDecoder(decoder);
  // What is chosen was known before.
  expect(gpu.kernels.size).toBe(size);
  return reports;
}

/** Trains as two references, one of f32 weights and one of 4 bits, with kernels that are chosen for each product. */
async function expectGoldenSteps(variantOf: (product: Product) => MatmulVariant) {
  const gpu = await testGpu();
  const used = new Set<MatmulVariant>();
  gpu.choices = {
    used: {},
    variantOf(product) {
      const variant = variantOf(product);
      used.add(variant);
      return variant;
    },
  };
  for (const run of ['tiny-qwen3-lora', 'tiny-llama3-qlora']) {
    const { trace } = readGolden(run);
    const reports = (await firstSteps(run)).slice(0, STEPS);
    expect(reports).toHaveLength(STEPS);
    reports.forEach(({ loss, gradNorm }, i) => {
      expect(Math.abs(loss / trace[i]!.loss - 1)).toBeLessThan(1e-4);
      expect(Math.abs(gradNorm / trace[i]!.grad_norm - 1)).toBeLessThan(1e-3);
    });
  }
  return used;
}

const variants = Object.keys(matmulVariants) as MatmulVariant[];

it('trains as the references whichever kernels are chosen, each product another', async () => {
  const gpu = await testGpu();
  const able = variants.filter((variant) => runsVariant(gpu, variant));
  const chosen = new Map<string, MatmulVariant>();
  const used = await expectGoldenSteps((product) => {
    const key = productKey(product);
    const variant = chosen.get(key) ?? able[chosen.size % able.length]!;
    chosen.set(key, variant);
    return variant;
  });
  expect([...used].sort()).toEqual([...able].sort());
});

// One of each shader; with GRAFT_EVERY_KERNEL=1 all, which is what a change to these kernels asks for.
const some: MatmulVariant[] = ['tile 64x64', 'split 16x16', 'subgroup 16x8'];

it.each(process.env.GRAFT_EVERY_KERNEL ? variants : some)(
  'trains as the references with %s for every product',
  async (variant) => {
    if (!runsVariant(await testGpu(), variant)) return;
    expect([...(await expectGoldenSteps(() => variant))]).toEqual([variant]);
  },
);
