import type { SafetensorsFile } from '../formats/safetensors.ts';
import { readInto } from '../storage/byteSource.ts';

const SAMPLES = 64;
const SAMPLE_BYTES = 4096;

/** Bytes here and there of a file's data, from its start to its end: two models of one shape differ in them. */
export async function weightSamples({
  source,
  dataStart,
}: SafetensorsFile): Promise<Uint8Array<ArrayBuffer>> {
  const length = Math.min(SAMPLE_BYTES, source.size - dataStart);
  const last = source.size - length - dataStart;
  const samples = new Uint8Array(SAMPLES * length);
  for (let i = 0; i < SAMPLES; i++) {
    const at = dataStart + Math.floor((last * i) / (SAMPLES - 1));
    await readInto(source, at, samples.subarray(i * length, (i + 1) * length));
  }
  return samples;
}
