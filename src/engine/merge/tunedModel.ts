import type { Gpu } from '../gpu/device.ts';
import { withoutAdapter, type AdapterUse } from '../model/decoder/decoder.ts';
import { loadAdapter } from '../model/trained/adapterFiles.ts';
import { loadTrainedModel } from '../model/trained/loadTrainedModel.ts';
import { asStored, type WeightStorage } from '../model/weights/weightStorage.ts';
import type { MergeJob } from './mergeJob.ts';

/** How the base is stored when the adapter is added to it. */
export function baseStorage({ base, onto, trainedDoubleQuant }: MergeJob): WeightStorage {
  if (onto === 'original' || base.quantization !== null) return asStored;
  return { ...asStored, quantize: { doubleQuant: trainedDoubleQuant } };
}

/** Runs `work` with what a job adds to its base on the GPU, as a pass uses it: unmerged, in f32. */
export async function withTuned<T>(
  gpu: Gpu,
  { base, adapter, trained }: MergeJob,
  work: (use: AdapterUse) => Promise<T>,
): Promise<T> {
  const loaded = trained
    ? await loadTrainedModel(gpu, base.spec, trained)
    : adapter && (await loadAdapter(gpu, base.spec, adapter));
  try {
    return await work(loaded ? { adapter: loaded, strength: 1, dropout: null } : withoutAdapter);
  } finally {
    loaded?.dispose();
  }
}
