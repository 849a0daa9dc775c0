import { afterEach, expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import { readAdapter } from '../../content/formats/peft.ts';
import { noChoices } from '../gpu/choices.ts';
import { matmulVariants, runsVariant, type MatmulVariant } from '../kernels/matmulVariants.ts';
import { loadAdapter } from '../model/trained/adapterFiles.ts';
import { closeDecoder, openDecoder, quantizationOf } from '../model/weights/openDecoder.ts';
import { openModelFiles } from '../model/spec/openModel.ts';
import { resident } from '../model/weights/streaming.ts';
import { goldenFolder, goldenRecipe, modelFolder, readGolden, trainingRows } from '../../testing/golden.ts';
import { testGpu } from '../../testing/gpu.ts';
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
  const files = await openModelFiles(modelFolder(golden.model));
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
  const initial = await readAdapter(goldenFolder(run, 'init_adapter'));
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

/** Trains as two references, one of f32 weights and one of 4 bits, with one kernel for all products. */
async function expectGoldenSteps(variant: MatmulVariant) {
  (await testGpu()).choices = { used: {}, variantOf: () => variant };
  for (const run of ['tiny-qwen3-lora', 'tiny-llama3-qlora']) {
    const { trace } = readGolden(run);
    const reports = (await firstSteps(run)).slice(0, STEPS);
    expect(reports).toHaveLength(STEPS);
    reports.forEach(({ loss, gradNorm }, i) => {
      expect(Math.abs(loss / trace[i]!.loss - 1)).toBeLessThan(1e-4);
      expect(Math.abs(gradNorm / trace[i]!.grad_norm - 1)).toBeLessThan(1e-3);
    });
  }
}

const variants = Object.keys(matmulVariants) as MatmulVariant[];

// Compiling takes seconds a kernel: one of each shader, or all of them with GRAFT_EVERY_KERNEL=1, after a change to them.
const some: MatmulVariant[] = ['gpu 32x64', 'tile 64x64', 'split 16x16', 'subgroup 16x8'];
const asked = process.env.GRAFT_EVERY_KERNEL ? variants : some;

it.for(asked)('trains as the references with %s for every product', async (variant, context) => {
  context.skip(!runsVariant(await testGpu(), variant), 'the GPU has no subgroups of one size up to 32');
  await expectGoldenSteps(variant);
});
