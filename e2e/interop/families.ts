// Runs small models of all families that make_families.py wrote: families.ts FAMILIES.json. Each folder gets run.json
// with losses and generated tokens, logits.safetensors, the gradients of the adapter and of all parameters, and folders
// merged, saved (the adapter again) and for some nf4: the adapter merged onto what 4 bits make of the weights.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeFolder } from '../../src/base/storage/nodeFolder.ts';
import { buildMicroBatch, type MicroBatch } from '../../src/content/data/tokens/microBatch.ts';
import { tokenRowsOf, type TokenRows } from '../../src/content/data/tokens/tokenRows.ts';
import { expertsTogether, wrapperOf } from '../../src/content/formats/peftExperts.ts';
import { writeAdapter, type PeftAdapter } from '../../src/content/formats/peft.ts';
import { SafetensorsWriter } from '../../src/content/formats/safetensorsWriter.ts';
import type { Gpu } from '../../src/engine/gpu/device.ts';
import { elementsOf, type Tensor } from '../../src/engine/gpu/tensor.ts';
import { readBytes } from '../../src/engine/gpu/transfer.ts';
import { generate } from '../../src/engine/infer/generate.ts';
import { mergeJob } from '../../src/engine/merge/mergeJob.ts';
import { mergeProved } from '../../src/engine/merge/mergeProved.ts';
import { uploadBatch } from '../../src/engine/model/decoder/batchTensors.ts';
import type { Decoder } from '../../src/engine/model/decoder/decoder.ts';
import { readLogits } from '../../src/engine/model/decoder/logits.ts';
import { openModelFiles, type ModelFiles } from '../../src/engine/model/spec/openModel.ts';
import { loadAdapter } from '../../src/engine/model/trained/adapterFiles.ts';
import type { LoraAdapter } from '../../src/engine/model/trained/loraAdapter.ts';
import { planLora } from '../../src/engine/model/trained/loraModules.ts';
import { openAdapter } from '../../src/engine/model/trained/openAdapter.ts';
import { FullParameters } from '../../src/engine/model/trained/fullParameters.ts';
import { closeDecoder, openDecoder } from '../../src/engine/model/weights/openDecoder.ts';
import { evaluate } from '../../src/engine/train/evaluate.ts';
import { StepRunner } from '../../src/engine/train/trainStep.ts';
import { withGpu } from '../../src/hosts/node/withGpu.ts';

const STEPS = 4;
const NEW_TOKENS = 24;
const adamW = { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, maxGradNorm: 1e9 };

const families = JSON.parse(await readFile(process.argv[2]!, 'utf8')) as {
  name: string;
  folder: string;
  nf4: boolean;
  /** Of the learning rates of B and A. */
  ratio: number;
}[];
await withGpu(async (gpu) => {
  for (const { name, folder, nf4, ratio } of families) {
    try {
      await run(gpu, folder, nf4, ratio);
    } catch (error) {
      await writeFile(join(folder, 'run.json'), JSON.stringify({ error: `${name}: ${String(error)}` }));
      if (process.env.GRAFT_STACK) console.error(name, error);
    }
  }
});

async function run(gpu: Gpu, folder: string, nf4: boolean, ratio: number): Promise<void> {
  const files = await openModelFiles(nodeFolder(join(folder, 'base')));
  const { peft } = await openAdapter(files, nodeFolder(join(folder, 'adapter')));
  const rows = JSON.parse(await readFile(join(folder, 'rows.json'), 'utf8')) as {
    input_ids: number[];
    labels: number[];
  }[];
  const dataset = tokenRowsOf(rows.map(({ input_ids: ids, labels }) => ({ ids, labels })));
  const decoder = await openDecoder(gpu, files, 'f32');
  const adapter = await loadAdapter(gpu, files.spec, peft, ratio);
  const use = { adapter, strength: 1, dropout: null };
  const shape = { rank: 3, alpha: 6, rslora: false, targets: 'all-linear', layers: 'all' } as const;
  const planned = planLora(files.spec, shape).map(({ path }) => path);
  const logits = [
    await logitsOf(decoder, { ...use, strength: 0 }, dataset),
    await logitsOf(decoder, use, dataset),
  ];
  await write(folder, 'logits', [
    { name: 'base', values: logits[0]! },
    { name: 'adapted', values: logits[1]! },
  ]);
  const options = { maxNewTokens: NEW_TOKENS, seed: 0, endIds: [], temperature: 0 };
  const prompt = rows[0]!.input_ids.slice(0, 10);
  const generated = await generate(decoder, use, prompt, { ...options, topK: 0, topP: 1 });
  const job = mergeJob(files, peft);
  for (const made of ['merged', 'saved', 'nf4']) await mkdir(join(folder, made), { recursive: true });
  await mergeProved(gpu, job, nodeFolder(join(folder, 'merged')), { maxShardBytes: 1e9 });
  const runner = new StepRunner(decoder, adapter);
  const before = await evaluate(decoder, use, dataset, 1);
  const losses: number[] = [];
  const batches = rows.map((_, row) => buildMicroBatch(dataset, [[row]]));
  for (let step = 1; step <= STEPS; step++) {
    const { lossSum, targets } = await runner.run(batches, { p: 0, seeds: [] }, { ...adamW, step });
    losses.push(lossSum / targets);
    if (step === 1) await writeGradients(gpu, folder, adapter, runner);
  }
  const after = await evaluate(decoder, use, dataset, 1);
  const trained: PeftAdapter = await adapter.toPeft({ base: 'base', dropout: 0, from: peft.config });
  await writeAdapter(nodeFolder(join(folder, 'saved')), trained);
  await writeFullGradients(decoder, folder, batches);
  const record = {
    before: before.loss,
    losses,
    after: after.loss,
    generated: generated.ids,
    planned,
    ratio,
    adamW,
  };
  await writeFile(join(folder, 'run.json'), JSON.stringify(record));
  runner.dispose();
  adapter.dispose();
  closeDecoder(decoder);
  if (nf4) await runNf4(gpu, files, peft, folder, dataset);
}

async function logitsOf(
  decoder: Decoder,
  use: Parameters<typeof readLogits>[1],
  dataset: TokenRows,
): Promise<Float32Array<ArrayBuffer>> {
  const parts: Float32Array[] = [];
  for (let row = 0; row < dataset.offsets.length - 1; row++) {
    const batch = uploadBatch(decoder.gpu, decoder.workspace, buildMicroBatch(dataset, [[row]]));
    parts.push(await readLogits(decoder, use, batch));
  }
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

/** The gradients of the adapter's matrices, under their names in its file. */
async function writeGradients(
  gpu: Gpu,
  folder: string,
  adapter: LoraAdapter,
  { grads }: StepRunner,
): Promise<void> {
  const tensors: Named[] = [];
  const paths = new Map(adapter.modules.map((module) => [module.path, module]));
  for (const { layer, linear, path, rank } of adapter.modules) {
    const { a, b, magnitudes } = adapter.pair(layer, linear.path, grads)!;
    const { experts, outFeatures: out } = linear;
    const name = `base_model.model.${wrapperOf(path, paths)}`;
    const ofB = await valuesOf(gpu, b);
    tensors.push({ name: `${name}.lora_A.weight`, values: await valuesOf(gpu, a) });
    const values = experts ? expertsTogether(ofB, { experts, out, rank }) : ofB;
    tensors.push({ name: `${name}.lora_B.weight`, values });
    if (magnitudes)
      tensors.push({ name: `${name}.lora_magnitude_vector`, values: await valuesOf(gpu, magnitudes) });
  }
  await write(folder, 'gradients', tensors);
}

async function valuesOf(gpu: Gpu, tensor: Tensor): Promise<Float32Array<ArrayBuffer>> {
  const bytes = await readBytes(gpu, tensor);
  return new Float32Array(bytes.buffer, bytes.byteOffset, elementsOf(tensor));
}

/** The gradients of all parameters, under their names in the checkpoint. */
async function writeFullGradients(
  decoder: Decoder,
  folder: string,
  batches: readonly MicroBatch[],
): Promise<void> {
  const { gpu, spec } = decoder;
  const full = new FullParameters(gpu, spec);
  await full.copyModel(decoder);
  const runner = new StepRunner(decoder, full);
  await runner.gradients(batches, { p: 0, seeds: [] });
  const tensors: Named[] = [];
  for (const { name, weight } of full.tensors) {
    const parts: Float32Array[] = [];
    for (const { data } of weight(runner.grads).chunks) parts.push(await valuesOf(gpu, data));
    tensors.push({ name, values: Float32Array.from(parts.flatMap((part) => [...part])) });
  }
  await write(folder, 'full_gradients', tensors);
  runner.dispose();
  full.dispose();
}

/** The adapter on weights in NF4: its logits, and a merge onto those weights, which transformers can load. */
async function runNf4(
  gpu: Gpu,
  files: ModelFiles,
  peft: PeftAdapter,
  folder: string,
  dataset: TokenRows,
): Promise<void> {
  const decoder = await openDecoder(gpu, files, 'f32', { quantize: { doubleQuant: false } });
  const adapter = await loadAdapter(gpu, files.spec, peft);
  const values = await logitsOf(decoder, { adapter, strength: 1, dropout: null }, dataset);
  await write(folder, 'nf4_logits', [{ name: 'nf4', values }]);
  adapter.dispose();
  closeDecoder(decoder);
  const job = mergeJob(files, peft, { onto: 'dequantized' });
  await mergeProved(gpu, job, nodeFolder(join(folder, 'nf4')), { maxShardBytes: 1e9 });
}

interface Named {
  name: string;
  values: Float32Array<ArrayBuffer>;
}

async function write(folder: string, file: string, tensors: readonly Named[]): Promise<void> {
  const sink = await nodeFolder(folder).create(`${file}.safetensors`);
  const entries = tensors.map(({ name, values }) => ({
    name,
    dtype: 'F32' as const,
    shape: [values.length],
  }));
  const writer = new SafetensorsWriter(sink, entries);
  for (const { name, values } of tensors)
    await writer.write(name, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  await writer.close();
}
