import { serial } from '../../../base/lib/serial.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { Tensor } from '../../gpu/tensor.ts';
import { embeddingBytes, embeddingStaysOnDisk } from './embeddingPlace.ts';
import { EndWeights, type StartLoad } from './endWeights.ts';
import { loadBlock } from './loadBlock.ts';
import type { ModelFiles } from '../spec/openModel.ts';
import { isBeside } from '../spec/spec.ts';
import { WeightLoader } from './weightLoader.ts';
import type { WeightStorage } from './weightStorage.ts';
import type { VocabularyRole } from './vocabulary.ts';
import type { BlockWeights, EmbeddingRows, MatrixParts, WeightSource } from './weights.ts';

/** Parts of an embedding on disk that are on the GPU at a time, where all of it is asked for. */
const SLOTS = 2;

/** Holds all weights in GPU memory for the whole run, except for an embedding that stays on disk. */
export class ResidentWeights implements WeightSource {
  readonly streams = false;
  readonly #loader: WeightLoader;
  readonly #ends: EndWeights;
  readonly #blocks: readonly BlockWeights[];

  private constructor(loader: WeightLoader, ends: EndWeights, blocks: readonly BlockWeights[]) {
    this.#loader = loader;
    this.#ends = ends;
    this.#blocks = blocks;
  }

  /**
   * Loads the whole checkpoint, or frees everything if that fails. Throws `model.tensor_dtype`, and what the checkpoint
   * and the device throw.
   * @param onProgress bytes read so far, and bytes to read
   */
  static async load(
    gpu: Gpu,
    files: ModelFiles,
    storage: WeightStorage,
    onProgress?: (done: number, total: number) => void,
  ): Promise<ResidentWeights> {
    let [done, isLoading] = [0, true];
    const { spec } = files;
    const total = bytesToLoad(files, storage);
    const onBytes = (bytes: number) => {
      if (isLoading) onProgress?.((done += bytes), total);
    };
    const inTurn = serial();
    const start: StartLoad = (load, former) => {
      const own = new WeightLoader(gpu, files, storage, { onBytes, former });
      const value = inTurn(async () => {
        const loaded = await load(own);
        own.finish();
        return loaded;
      });
      return { loader: own, value };
    };
    const ends = new EndWeights(gpu, files, storage, { start, streams: false, slots: SLOTS });
    const loader = new WeightLoader(gpu, files, storage, { onBytes });
    try {
      await ends.load();
      const blocks: BlockWeights[] = [];
      for (let layer = 0; layer < spec.layers; layer++) blocks.push(await loadBlock(loader, spec, layer));
      loader.finish();
      gpu.throwIfFailed();
      isLoading = false;
      return new ResidentWeights(loader, ends, blocks);
    } catch (error) {
      ends.dispose();
      loader.dispose();
      throw error;
    }
  }

  embedding(tokens: Uint32Array): Promise<EmbeddingRows> {
    return this.#ends.embedding(tokens);
  }

  finalNorm(): Promise<Tensor | null> {
    return this.#ends.finalNorm();
  }

  vocabulary(role: VocabularyRole): Promise<MatrixParts> {
    return this.#ends.vocabulary(role);
  }

  async block(layer: number): Promise<BlockWeights> {
    const block = this.#blocks[layer];
    if (!block) throw new RangeError(`no block ${layer}`);
    return block;
  }

  prefetch(): void {
    // Resident weights need no prefetching.
  }

  release(): void {
    // Resident weights are never released.
  }

  dispose(): void {
    this.#ends.dispose();
    this.#loader.dispose();
  }
}

/** Bytes of what lies in files beside the decoder. */
function bytesBeside({ checkpoint, spec }: ModelFiles): number {
  let bytes = 0;
  for (const [name, { info }] of checkpoint.tensors) {
    if (isBeside(spec, name)) bytes += info.end - info.begin;
  }
  return bytes;
}

/** Bytes that loading reads: all but an embedding that stays on disk; a tied head in fewer bits is read by itself. */
function bytesToLoad(files: ModelFiles, { derived = null, head = null }: WeightStorage): number {
  const { checkpoint, spec } = files;
  const all = (derived?.bytesToRead(checkpoint) ?? checkpoint.totalBytes) - bytesBeside(files);
  const embedding = embeddingBytes(files);
  const again = spec.tied && head ? embedding : 0;
  return all + again - (embeddingStaysOnDisk(files, head) ? embedding : 0);
}
