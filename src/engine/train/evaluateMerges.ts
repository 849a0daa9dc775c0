import { goodRows, type TokenRows } from '../../content/data/tokens/tokenRows.ts';
import type { PeftAdapter } from '../../content/formats/peft.ts';
import type { Gpu } from '../gpu/device.ts';
import { loadAdapter } from '../model/trained/adapterFiles.ts';
import { Decoder } from '../model/decoder/decoder.ts';
import type { ModelFiles } from '../model/spec/openModel.ts';
import { StreamedWeights } from '../model/weights/streamedWeights.ts';
import { asStored, type WeightStorage } from '../model/weights/weightStorage.ts';
import { evaluate } from './evaluate.ts';

/** The mean loss of an adapter on either of the weights it can be merged onto. */
export interface MergeLosses {
  /** On the original weights; null where the base comes quantized, and they are not in it. */
  original: number | null;
  /** On what 4 bits make of them: what QLoRA trained. */
  dequantized: number;
}

/** Rows that go through each block at once, which is read from its file for each such batch. */
const BATCH = 32;

/**
 * Measures the choices for merging a QLoRA adapter: its loss on `rows` with the original base, and
 * with the base in the 4 bits it was trained on. Weights come from their files a block at a time.
 * @param rows of preference data, the good answers count
 * @param doubleQuant whether those 4 bits had nested absmax
 * Throws `model.adapter_*`.
 */
export async function evaluateMerges(
  gpu: Gpu,
  base: ModelFiles,
  adapter: PeftAdapter,
  rows: TokenRows,
  doubleQuant: boolean,
): Promise<MergeLosses> {
  const good = goodRows(rows);
  const lossWith = (storage: WeightStorage) => streamedLoss(gpu, base, adapter, good, storage);
  if (base.quantization !== null) return { original: null, dequantized: await lossWith(asStored) };
  return {
    original: await lossWith(asStored),
    dequantized: await lossWith({ ...asStored, quantize: { doubleQuant } }),
  };
}

async function streamedLoss(
  gpu: Gpu,
  base: ModelFiles,
  peft: PeftAdapter,
  rows: TokenRows,
  storage: WeightStorage,
): Promise<number> {
  const adapter = await loadAdapter(gpu, base.spec, peft);
  const weights = new StreamedWeights(gpu, base, storage);
  const decoder = new Decoder(gpu, base.spec, weights, 'f32');
  try {
    return (await evaluate(decoder, { adapter, strength: 1, dropout: null }, rows, BATCH)).loss;
  } finally {
    decoder.dispose();
    weights.dispose();
    adapter.dispose();
  }
}
