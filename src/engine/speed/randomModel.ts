import { SafetensorsWriter } from '../../content/formats/safetensorsWriter.ts';
import { writeText } from '../../content/formats/text.ts';
import { createRandom } from '../../base/lib/random.ts';
import { parseConfig } from '../model/spec/config.ts';
import { tensorsOf } from '../model/spec/spec.ts';
import type { WritableFolder } from '../../base/storage/types.ts';

/** Elements written at a time; the same random piece is used for every matrix, at different offsets. */
const PIECE = 1 << 20;

/**
 * Writes a model folder of BF16 weights: matrices uniform with the variance of a fresh model, norms 1, biases 0. The
 * same config gives the same bytes.
 */
export async function writeRandomModel(
  folder: WritableFolder,
  config: Record<string, unknown>,
): Promise<void> {
  const spec = parseConfig(config);
  const entries = [...tensorsOf(spec)].map((tensor) => ({ ...tensor, dtype: 'BF16' }));
  const writer = new SafetensorsWriter(await folder.create('model.safetensors'), entries, { format: 'pt' });
  const noise = noiseOf(spec.hiddenSize);
  const random = createRandom(1);
  try {
    for (const { name, shape } of entries) {
      const count = shape.reduce((product, n) => product * n, 1);
      if (shape.length === 1) {
        const one = name.endsWith('.bias') ? 0 : 0x3f80;
        await writer.write(name, new Uint8Array(new Uint16Array(count).fill(one).buffer));
        continue;
      }
      for (let at = 0; at < count; at += PIECE) {
        const start = random.below(PIECE);
        const part = noise.slice(start, start + Math.min(PIECE, count - at));
        await writer.write(name, new Uint8Array(part.buffer));
      }
    }
    await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
  await writeText(folder, 'config.json', `${JSON.stringify(config, null, 2)}\n`);
}

/** BF16 bits of [2 · PIECE] values from U(±√(3 / width)), whose variance is 1 / width. */
function noiseOf(width: number): Uint16Array<ArrayBuffer> {
  const random = createRandom(0);
  const bound = Math.sqrt(3 / width);
  const values = Float32Array.from({ length: 2 * PIECE }, () => (2 * random.next() - 1) * bound);
  const bits = new Uint32Array(values.buffer);
  return Uint16Array.from(bits, (word) => word >>> 16);
}
