import { describe, expect, it } from 'vitest';
import { defaultRecipe } from '../../base/config/recipe.ts';
import { buildMicroBatch } from '../../content/data/tokens/microBatch.ts';
import { readAdapter } from '../../content/formats/peft.ts';
import { readFloats } from '../gpu/transfer.ts';
import { loadAdapter } from '../model/trained/adapterFiles.ts';
import { uploadBatch } from '../model/decoder/batchTensors.ts';
import { Decoder } from '../model/decoder/decoder.ts';
import { readLogits } from '../model/decoder/logits.ts';
import { openModelFiles } from '../model/spec/openModel.ts';
import { ResidentWeights } from '../model/weights/residentWeights.ts';
import {
  allRuns,
  goldenFolder,
  goldenRecipe,
  modelFolder,
  needRun,
  probeRows,
  readGolden,
  readTensors,
  trainingRows,
  type Golden,
} from '../../testing/golden.ts';
import { testGpu } from '../../testing/gpu.ts';
import { needF16 } from '../../testing/needs.ts';
import { evaluate } from './evaluate.ts';
import { train, type StepReport } from './trainer.ts';
import { StepRunner } from './trainStep.ts';

async function openDecoder(golden: Golden, type: 'f32' | 'f16') {
  const gpu = await testGpu();
  const files = await openModelFiles(modelFolder(golden.model));
  const quantize = golden.quant === 'nf4' ? { doubleQuant: false } : null;
  const weights = await ResidentWeights.load(gpu, files, { halve: type === 'f16', quantize });
  return new Decoder(gpu, files.spec, weights, type);
}

async function openAdapter(decoder: Decoder, run: string, name: string) {
  return await loadAdapter(decoder.gpu, decoder.spec, await readAdapter(goldenFolder(run, name)));
}

function largest(values: Float32Array): number {
  return values.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
}

function largestDifference(actual: Float32Array, expected: Float32Array): number {
  return actual.reduce((max, v, i) => Math.max(max, Math.abs(v - expected[i]!)), 0);
}

async function trainAsGolden(run: string, type: 'f32' | 'f16') {
  const golden = readGolden(run);
  const decoder = await openDecoder(golden, type);
  const adapter = await openAdapter(decoder, run, 'init_adapter');
  const reports: StepReport[] = [];
  await train({
    decoder,
    adapter,
    recipe: { ...defaultRecipe(), ...goldenRecipe(golden), dtype: type },
    dataset: trainingRows(golden),
    evalDataset: null,
    onStep: (report) => reports.push(report),
    onEval: () => undefined,
    shouldStop: () => false,
  });
  return { golden, decoder, adapter, reports };
}

/** Whether lavapipe is set to act as a GPU. Compiling takes it several times as long then: fewer runs. */
const isLikeGpu = process.env.LP_NATIVE_VECTOR_WIDTH === '512';
const runs = {
  f32: isLikeGpu ? ['tiny-llama3-qlora'] : allRuns,
  f16: isLikeGpu ? ['tiny-qwen3-lora'] : allRuns,
};

it('takes the kernels of a GPU on one, and where lavapipe is set to act as one', async () => {
  const { description, kernelKind } = await testGpu();
  expect(kernelKind === 'gpu').toBe(isLikeGpu || !/llvmpipe|swiftshader/i.test(description));
});

describe.each(runs.f32)('%s in f32', (run) => {
  it('has the probe loss, logits and every gradient of the reference', async (context) => {
    needRun(context, run);
    const golden = readGolden(run);
    const decoder = await openDecoder(golden, 'f32');
    const adapter = await openAdapter(decoder, run, 'probe_adapter');
    const rows = probeRows(golden);
    const { gpu, spec } = decoder;
    const batch = buildMicroBatch(rows, [Array.from({ length: rows.offsets.length - 1 }, (_, i) => i)]);
    const runner = new StepRunner(decoder, adapter);
    const { lossSum, targets } = await runner.run([batch], { p: 0, seeds: [] }, null);
    expect(targets).toBe(golden.probe.tokens);
    const lossError = Math.abs(lossSum / targets / golden.probe.loss - 1);
    expect(lossError).toBeLessThan(1e-5);

    const expected = await readTensors(run, 'probe_grads.safetensors');
    let worst = 0;
    for (const { layer, linear, path } of adapter.modules) {
      const pair = adapter.pair(layer, linear.path, runner.grads)!;
      for (const [half, tensor] of [
        ['A', pair.a],
        ['B', pair.b],
      ] as const) {
        const reference = expected.get(`base_model.model.${path}.lora_${half}.weight`)!;
        const error = largestDifference(await readFloats(gpu, tensor), reference) / largest(reference);
        worst = Math.max(worst, error);
      }
    }
    expect(worst).toBeLessThan(1e-4);

    const tensors = uploadBatch(gpu, decoder.workspace, batch);
    const actual = await readLogits(decoder, { adapter, strength: 1, dropout: null }, tensors);
    const reference = (await readTensors(run, 'probe_logits.safetensors')).get('logits')!;
    const padded = reference.length / spec.vocabSize / golden.probe.input_ids.length;
    let at = 0;
    let logitError = 0;
    golden.probe.input_ids.forEach((ids, row) => {
      const count = ids.length * spec.vocabSize;
      const start = row * padded * spec.vocabSize;
      const part = reference.subarray(start, start + count);
      logitError = Math.max(
        logitError,
        largestDifference(actual.subarray(at, at + count), part) / largest(part),
      );
      at += count;
    });
    expect(logitError).toBeLessThan(1e-5);
    console.info(
      `${run}: probe loss ${lossError.toExponential(1)}, gradients ${worst.toExponential(1)}, logits ${logitError.toExponential(1)}`,
    );
    runner.dispose();
    adapter.dispose();
    decoder.weights.dispose();
    decoder.dispose();
  });

  it('trains as the reference, step by step, to the same adapter', async (context) => {
    needRun(context, run);
    const { golden, decoder, adapter, reports } = await trainAsGolden(run, 'f32');
    let lossError = 0;
    let normError = 0;
    golden.trace.forEach((entry, i) => {
      const report = reports[i]!;
      lossError = Math.max(lossError, Math.abs(report.loss / entry.loss - 1));
      normError = Math.max(normError, Math.abs(report.gradNorm / entry.grad_norm - 1));
      expect(report.lr).toBeCloseTo(entry.lr, 12);
      expect(report.tokens).toBe(entry.tokens);
    });
    expect(lossError).toBeLessThan(1e-4);
    expect(normError).toBeLessThan(1e-3);
    const rows = probeRows(golden);
    const use = { strength: 1, dropout: null };
    const trained = await evaluate(decoder, { adapter, ...use }, rows, 2);
    const final = await openAdapter(decoder, run, 'final_adapter');
    const reference = await evaluate(decoder, { adapter: final, ...use }, rows, 2);
    const evalError = Math.abs(trained.loss / reference.loss - 1);
    expect(evalError).toBeLessThan(1e-4);
    console.info(
      `${run}: step loss ${lossError.toExponential(1)}, grad norm ${normError.toExponential(1)}, eval ${evalError.toExponential(1)}`,
    );
    adapter.dispose();
    final.dispose();
    decoder.weights.dispose();
    decoder.dispose();
  });
});

describe.each(runs.f16)('%s in f16 storage', (run) => {
  it('keeps every step’s loss within 2e-2', async (context) => {
    needRun(context, run);
    needF16(context, await testGpu());
    const { golden, decoder, adapter, reports } = await trainAsGolden(run, 'f16');
    let lossError = 0;
    golden.trace.forEach(
      ({ loss }, i) => (lossError = Math.max(lossError, Math.abs(reports[i]!.loss / loss - 1))),
    );
    expect(lossError).toBeLessThan(2e-2);
    console.info(`${run} f16: step loss ${lossError.toExponential(1)}`);
    adapter.dispose();
    decoder.weights.dispose();
    decoder.dispose();
  });
});
