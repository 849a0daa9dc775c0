import { GraftError } from '../../../../base/lib/errors.ts';
import { defaultReading } from '../../../../base/config/reading.ts';
import { buildMicroBatch } from '../../../../content/data/tokens/microBatch.ts';
import { rowLengths } from '../../../../content/data/tokens/tokenize.ts';
import type { TokenRows } from '../../../../content/data/tokens/tokenRows.ts';
import { SafetensorsWriter } from '../../../../content/formats/safetensorsWriter.ts';
import { uploadBatch } from '../../../../engine/model/decoder/batchTensors.ts';
import type { AdapterUse, Decoder } from '../../../../engine/model/decoder/decoder.ts';
import { readLogits } from '../../../../engine/model/decoder/logits.ts';
import { command } from '../command.ts';
import { readDataset } from '../dataset.ts';
import { checkHubAccess } from '../hubAccess.ts';
import { flag, optional } from '../options.ts';
import { forceOption, outputFile, type OutputFile } from '../outputFile.ts';
import {
  adapterOption,
  dataOption,
  maskOption,
  modelOptions,
  quantOptions,
  encodingOption,
  rowsFieldOption,
  weightsOf,
} from '../commonOptions.ts';
import { readAdapterOf, openModelOf, withSession } from '../withSession.ts';
import { printText } from '../terminal.ts';

export const evaluate = command(
  'eval',
  'Prints the mean loss over the targets of a data file as JSON, and if asked what merging into each dtype changes, and writes the logits [rows, longest, V].',
  {
    ...modelOptions,
    adapter: adapterOption,
    data: dataOption,
    rowsField: rowsFieldOption,
    encoding: encodingOption,
    mask: maskOption,
    ...quantOptions,
    logits: optional('Output', 'OUT.safetensors', 'Writes the logits of every row.'),
    force: forceOption,
    compareDtypes: flag(
      'Output',
      'Also measures the model merged in each dtype: bytes, loss and the largest change of a logit.',
    ),
  },
  async (options, usage) => {
    checkHubAccess(options, usage, [options.model, options.data]);
    const { force, model, adapter: adapterPath, data } = options;
    const rules = { force, inputs: { model, adapter: adapterPath, data } };
    const out = options.logits === undefined ? null : outputFile(options.logits, rules);
    await withSession(async (session) => {
      const { files } = await openModelOf(session, options);
      const adapter = await readAdapterOf(session, adapterPath);
      // What is wrong with the input shows before the GPU is opened.
      const dataset = await readDataset(data, options, files, {
        reading: { ...defaultReading, mask: options.mask },
        rowsField: options.rowsField,
        encoding: options.encoding,
      });
      if (adapter) await session.useAdapter(adapter);
      const use = { weights: weightsOf(options) };
      const { loss, tokens } = await session.evaluate(dataset, use);
      if (!Number.isFinite(loss)) throw new GraftError('cli.loss_not_finite');
      if (out) await session.use(use, (decoder, active) => writeLogits(decoder, active, dataset, out));
      const onto = files.quantization ? 'dequantized' : 'original';
      const merged = options.compareDtypes && (await session.compareDtypes(onto, dataset));
      printText(JSON.stringify({ loss, tokens, ...(merged && { merged }) }));
    });
  },
);
/** Writes `logits` [rows, longest, V] F32, a row at a time; what lies after a row's end is zero. */
async function writeLogits(
  decoder: Decoder,
  use: AdapterUse,
  dataset: TokenRows,
  { folder, file }: OutputFile,
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
