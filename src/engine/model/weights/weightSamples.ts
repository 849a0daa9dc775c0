import type { SafetensorsFile } from '../../../content/formats/safetensors.ts';

const SAMPLES = 64;
const SAMPLE_BYTES = 4096;

/** Samples of a file's data from its start to its end, in which different models of one shape differ. */
export async function weightSamples({
  source,
  dataStart,
}: SafetensorsFile): Promise<Uint8Array<ArrayBuffer>> {
  const length = Math.min(SAMPLE_BYTES, source.size - dataStart);
  const last = source.size - length - dataStart;
  const samples = new Uint8Array(SAMPLES * length);
  for (let i = 0; i < SAMPLES; i++) {
    const at = dataStart + Math.floor((last * i) / (SAMPLES - 1));
    await source.readInto(at, samples.subarray(i * length, (i + 1) * length));
  }
  return samples;
}
