import { defaultReading } from '../../data/reading.ts';
import { loadTokenizer } from '../../data/tokenizer.ts';
import { rowLengths } from '../../data/tokenize.ts';
import { buildMicroBatch } from '../../data/microBatch.ts';
import type { TokenRows } from '../../data/tokenRows.ts';
import { SafetensorsWriter } from '../../formats/safetensorsWriter.ts';
import { GraftError } from '../../lib/errors.ts';
import { loadAdapter } from '../../model/adapterFiles.ts';
import { uploadBatch } from '../../model/batchTensors.ts';
import { withoutAdapter, type AdapterUse, type Decoder } from '../../model/decoder.ts';
import { readLogits } from '../../model/logits.ts';
import { activationType, openDecoder } from '../../model/openDecoder.ts';
import { evaluate } from '../../train/evaluate.ts';
import { readDataset } from '../dataset.ts';
import { derivedFor } from '../derivedCache.ts';
import { modelChoice, modelFlags, modelOptions } from '../hubModel.ts';
import { Options, quantizeOption } from '../options.ts';
import { outputFile } from '../output.ts';
import { openAdapterAt, openModelAt, withGpu } from '../session.ts';

export const usage =
  'eval --model DIR [--adapter DIR] --data FILE [--logits OUT.safetensors] [--mask assistant|all|last|chatml] [--dtype f32|f16] [--quant none|nf4] [--double-quant]';

/** Rows that run through the model at once. */
const BATCH = 8;

/** Prints the mean loss over the rows' targets as JSON, and writes the logits [rows, longest, V] if asked. */
export async function run(args: string[]): Promise<void> {
  const options = new Options(
    args,
    usage,
    [...modelOptions, 'adapter', 'data', 'logits', 'mask', 'dtype', 'quant'],
    ['double-quant', ...modelFlags],
  );
  const model = modelChoice(options, usage);
  const dataPath = options.required('data');
  const mask = options.choice('mask', ['assistant', 'all', 'last', 'chatml']);
  const dtype = options.choice('dtype', ['f32', 'f16']);
  const quantize = quantizeOption(options);
  const logitsPath = options.optional('logits');
  const out = logitsPath === undefined ? null : outputFile(logitsPath);
  const files = await openModelAt(model);
  const { spec } = files;
  const peft = await openAdapterAt(files, options.optional('adapter'));
  // Everything that can be wrong with the input is told before the GPU is opened.
  const dataset = await readDataset(dataPath, model, {
    tokenizer: await loadTokenizer(files.folder),
    reading: { ...defaultReading, mask },
    maxLength: spec.maxPositions,
    vocabSize: spec.vocabSize,
  });
  await withGpu(async (gpu) => {
    const decoder = await openDecoder(gpu, files, activationType(gpu, dtype), {
      quantize,
      derived: derivedFor(model),
    });
    const adapter = peft && (await loadAdapter(gpu, spec, peft));
    const use: AdapterUse = adapter ? { adapter, strength: 1, dropout: null } : withoutAdapter;
    const { loss, tokens } = await evaluate(decoder, use, dataset, BATCH);
    if (!Number.isFinite(loss)) throw new GraftError('cli.loss_not_finite');
    if (out) await writeLogits(decoder, use, dataset, out);
    console.log(JSON.stringify({ loss, tokens }));
  });
}

/** Writes `logits` [rows, longest, V] F32, a row at a time; what lies after a row's end is zero. */
async function writeLogits(
  decoder: Decoder,
  use: AdapterUse,
  dataset: TokenRows,
  { folder, file }: ReturnType<typeof outputFile>,
): Promise<void> {
  const { vocabSize } = decoder.spec;
  const lengths = rowLengths(dataset);
  const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
  const sink = await folder.create(file);
  const shape = [lengths.length, longest, vocabSize];
  const writer = new SafetensorsWriter(sink, [{ name: 'logits', dtype: 'F32', shape }]);
  try {
    for (const row of lengths.keys()) {
      const padded = new Float32Array(longest * vocabSize);
      const batch = uploadBatch(decoder.gpu, decoder.workspace, buildMicroBatch(dataset, [[row]]));
      padded.set(await readLogits(decoder, use, batch));
      await writer.write('logits', new Uint8Array(padded.buffer));
    }
    await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
