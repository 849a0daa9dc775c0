import { Checkpoint } from '../../content/formats/checkpoint.ts';
import { encodeFloats } from '../../base/lib/floats.ts';
import { readBnbElements } from '../../content/formats/quantized/bnbElements.ts';
import type { BnbMatrix } from '../../content/formats/quantized/types.ts';
import type { ModelFiles } from '../model/spec/openModel.ts';

/**
 * A bitsandbytes 4-bit model as if it were stored in F32: its matrices are dequantized in plain loops when read, so
 * that the same decoder runs without any of the 4-bit kernels.
 */
export function dequantizedFiles(files: ModelFiles): ModelFiles {
  const quantized = new Map<string, BnbMatrix>();
  const matrices = new Map(files.matrices);
  for (const [module, stored] of files.matrices) {
    if (stored.kind !== 'bnb') continue;
    quantized.set(stored.tensor, stored);
    matrices.set(module, { kind: 'float', tensor: stored.tensor, dtype: 'F32' });
  }
  const checkpoint = new DequantizedCheckpoint(files.folder.name, files.checkpoint, quantized);
  return { ...files, checkpoint, quantization: null, matrices };
}

class DequantizedCheckpoint extends Checkpoint {
  readonly #quantized: ReadonlyMap<string, BnbMatrix>;
  readonly #source: Checkpoint;

  constructor(folder: string, source: Checkpoint, quantized: ReadonlyMap<string, BnbMatrix>) {
    super(
      folder,
      source.files.map(({ file }) => file),
    );
    this.nameAs(source);
    this.#source = source;
    this.#quantized = quantized;
  }

  override async readRange(
    name: string,
    byteOffset: number,
    byteLength: number,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const stored = this.#quantized.get(name);
    if (!stored) return super.readRange(name, byteOffset, byteLength);
    return encodeFloats(await readBnbElements(this.#source, stored, byteOffset / 4, byteLength / 4), 'F32');
  }

  override async readInto(name: string, byteOffset: number, target: Uint8Array<ArrayBuffer>): Promise<void> {
    if (!this.#quantized.has(name)) await super.readInto(name, byteOffset, target);
    else target.set(await this.readRange(name, byteOffset, target.byteLength));
  }
}
