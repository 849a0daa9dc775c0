// Trains an adapter on weighted rows and records all its numbers: weightedLoss.ts MODEL ADAPTER OUT. OUT gets run.json
// and gradients.safetensors, the gradients of the first step under the adapter's names.
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { withGpu } from '../../src/hosts/node/withGpu.ts';
import { buildMicroBatch } from '../../src/content/data/tokens/microBatch.ts';
import { tokenRowsOf } from '../../src/content/data/tokens/tokenRows.ts';
import { SafetensorsWriter } from '../../src/content/formats/safetensorsWriter.ts';
import { elementsOf, type Tensor } from '../../src/engine/gpu/tensor.ts';
import { readBytes } from '../../src/engine/gpu/transfer.ts';
import { createRandom } from '../../src/base/lib/random.ts';
import { openAdapter } from '../../src/engine/model/trained/openAdapter.ts';
import { loadAdapter } from '../../src/engine/model/trained/adapterFiles.ts';
import type { LoraAdapter } from '../../src/engine/model/trained/loraAdapter.ts';
import { closeDecoder, openDecoder } from '../../src/engine/model/weights/openDecoder.ts';
import { openModelFiles } from '../../src/engine/model/spec/openModel.ts';
import { nodeFolder } from '../../src/base/storage/nodeFolder.ts';
import { evaluate } from '../../src/engine/train/evaluate.ts';
import { StepRunner } from '../../src/engine/train/trainStep.ts';

const LENGTHS = [9, 33, 2, 64, 17, 5];
const WEIGHTS = [0, 1e-4, 0.25, 0.5, 1, 1.7, 3, 40];

/** Rows of each micro-batch of each step: of unequal sizes, so that a mean of means would be noticed. */
const STEPS = [[[0, 1], [2]], [[3], [4, 5]], [[1], [2, 0], [5]], [[4, 3]]];

const adamW = { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, maxGradNorm: 0.5 };

const [model = '', adapterPath = '', out = ''] = process.argv.slice(2);
const files = await openModelFiles(nodeFolder(model));
const { peft } = await openAdapter(files, nodeFolder(adapterPath));
const rows = weightedRows(files.spec.vocabSize);
const dataset = tokenRowsOf(rows.map(({ input_ids: ids, ...row }) => ({ ids, ...row })));

await withGpu(async (gpu) => {
  const decoder = await openDecoder(gpu, files, 'f32');
  const adapter = await loadAdapter(gpu, files.spec, peft);
  const use = { adapter, strength: 1, dropout: null };
  const runner = new StepRunner(decoder, adapter);
  const before = await evaluate(decoder, use, dataset, 4);
  const steps: { loss: number; gradNorm: number; targets: number }[] = [];
  for (const [i, step] of STEPS.entries()) {
    const batches = step.map((which) => buildMicroBatch(dataset, [which]));
    const settings = { ...adamW, step: i + 1 };
    const { lossSum, gradNorm, targets } = await runner.run(batches, { p: 0, seeds: [] }, settings);
    steps.push({ loss: lossSum / targets, gradNorm, targets });
    if (i === 0) await writeGradients(adapter, runner);
  }
  const after = await evaluate(decoder, use, dataset, 4);
  const record = { rows, batches: STEPS, adamW, before, steps, after };
  await writeFile(join(out, 'run.json'), JSON.stringify(record));
  runner.dispose();
  adapter.dispose();
  closeDecoder(decoder);

  async function writeGradients(of: LoraAdapter, { grads }: StepRunner): Promise<void> {
    const tensors = of.modules.flatMap(({ layer, linear, path }) => {
      const { a, b } = of.pair(layer, linear.path, grads)!;
      const named = (half: string, tensor: Tensor) => ({
        name: `base_model.model.${path}.lora_${half}.weight`,
        tensor,
      });
      return [named('A', a), named('B', b)];
    });
    const sink = await nodeFolder(out).create('gradients.safetensors');
    const entries = tensors.map(({ name, tensor }) => {
      return { name, dtype: 'F32' as const, shape: [elementsOf(tensor)] };
    });
    const writer = new SafetensorsWriter(sink, entries);
    for (const { name, tensor } of tensors) await writer.write(name, await readBytes(gpu, tensor));
    await writer.close();
  }
});

/** Random rows in which some tokens are not trained, and the others have weights that change every few tokens. */
function weightedRows(vocabSize: number) {
  const random = createRandom(13);
  return LENGTHS.map((length) => {
    const ids = Array.from({ length }, () => random.below(vocabSize));
    const labels = ids.map((id, i) => (i > 1 && random.next() < 0.3 ? -100 : id));
    let weight = 1;
    const weights = ids.map((_, i) => {
      if (i % 3 === 0) weight = WEIGHTS[random.below(WEIGHTS.length)]!;
      return Math.fround(weight);
    });
    return { input_ids: ids, labels, weights };
  });
}
