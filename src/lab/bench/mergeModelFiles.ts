import { safetensorsLayout } from '../../content/formats/safetensorsLayout.ts';
import { newPeftConfig, type PeftAdapter } from '../../content/formats/peft.ts';
import { writeText } from '../../content/formats/text.ts';
import { parseConfig } from '../../engine/model/spec/config.ts';
import { loraScale, planLora, type LoraShape } from '../../engine/model/trained/loraModules.ts';
import { tensorsOf } from '../../engine/model/spec/spec.ts';
import type { Directory } from '../../base/storage/types.ts';

/** A prime, so that no two rows of a matrix are alike. */
export const TABLE = 1_048_573;
/** Offset in the table between the starts of consecutive tensors. */
export const STEP = 7919;
export const RANK = 8;
export const ALPHA = 16;

/** A 32-bit hash of i that is easy to reimplement in another language. */
function hash(i: number): number {
  let h = Math.imul(i + 1, 0x9e3779b1);
  h ^= h >>> 15;
  h = Math.imul(h, 0x85ebca77);
  return (h ^ (h >>> 13)) >>> 0;
}

/** BF16 with random sign and mantissa, from 2^-8 to 1. */
function weightTable(): Uint16Array<ArrayBuffer> {
  return Uint16Array.from({ length: TABLE }, (_, i) => {
    const h = hash(i);
    return ((h >>> 31) << 15) | ((119 + ((h >>> 7) & 7)) << 7) | (h & 127);
  });
}

/**
 * A matrix of an adapter: k / 2^bits with k from −4 to 4. W + scale · B · A of such values is exact in f32 in any order
 * of summation, so that two programs must produce the same bits.
 */
function dyadic(count: number, start: number, bits: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, i) => ((hash(start + i) % 9) - 4) / 2 ** bits);
}

/** Writes a model of BF16 weights in place; the same config gives the same bytes everywhere. */
export async function writeTableModel(folder: Directory, config: Record<string, unknown>): Promise<void> {
  const entries = [...tensorsOf(parseConfig(config))].map((tensor) => ({ ...tensor, dtype: 'BF16' }));
  const { header, tensors } = safetensorsLayout(entries, { format: 'pt' });
  const table = weightTable();
  const twice = new Uint8Array(4 * TABLE);
  twice.set(new Uint8Array(table.buffer));
  twice.set(new Uint8Array(table.buffer), 2 * TABLE);
  const file = await folder.edit('model.safetensors');
  await file.write(0, header);
  let at = header.byteLength;
  for (const [i, { byteLength }] of tensors.entries()) {
    let from = (2 * STEP * i) % (2 * TABLE);
    for (let done = 0; done < byteLength;) {
      const some = twice.subarray(from, from + Math.min(2 * TABLE, byteLength - done));
      await file.write(at, some);
      at += some.byteLength;
      done += some.byteLength;
      from = (from + some.byteLength) % (2 * TABLE);
    }
  }
  await file.flush();
  await file.close();
  await writeText(folder, 'config.json', JSON.stringify(config));
}

/** An adapter for it, constructed in the same way. */
export function tableAdapter(config: Record<string, unknown>, targets: LoraShape['targets']): PeftAdapter {
  const shape: LoraShape = { rank: RANK, alpha: ALPHA, rslora: false, targets, layers: 'all' };
  const modules: PeftAdapter['modules'] = new Map();
  for (const [i, { path, linear }] of planLora(parseConfig(config), shape).entries()) {
    const { inFeatures, outFeatures } = linear;
    const a = dyadic(RANK * inFeatures, 2 * i * STEP, 3);
    const b = dyadic(RANK * outFeatures, (2 * i + 1) * STEP, 6);
    modules.set(path, {
      rank: RANK,
      scale: loraScale(RANK, ALPHA, false),
      a,
      b,
      inFeatures,
      outFeatures,
    });
  }
  return { config: newPeftConfig({ r: RANK, lora_alpha: ALPHA }), modules };
}
