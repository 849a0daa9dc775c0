import type { Gpu } from '../gpu/device.ts';
import type { Tensor } from '../gpu/tensor.ts';
import type { Weight } from '../kernels/weight.ts';
import { assert } from '../lib/errors.ts';
import { freeLoadScratch, type LoadScratch } from './load/loadContext.ts';
import { loadBlock, loadEnds, type Ends } from './loadBlock.ts';
import type { ModelFiles } from './openModel.ts';
import { WeightLoader, type WeightStorage } from './weightLoader.ts';
import type { BlockWeights, WeightSource } from './weights.ts';

/** Room for one block on the GPU. */
interface Slot {
  layer: number;
  /** Borrowed by a pass: its block must stay. */
  borrowed: boolean;
  /** Order of use. */
  used: number;
  loader: WeightLoader;
  value: Promise<BlockWeights>;
}

/**
 * Weights that stay in their files: a block is in one of a few slots of GPU memory while it computes, and with two slots
 * or more the next is on its way meanwhile. Embedding, final norm and head stay once they were asked for.
 * Every read throws `model.tensor_dtype`, and what the checkpoint throws.
 */
export class StreamedWeights implements WeightSource {
  readonly streams = true;
  readonly #gpu: Gpu;
  readonly #files: ModelFiles;
  readonly #storage: WeightStorage;
  readonly #limit: number;
  readonly #slots: Slot[] = [];
  #ends: { loader: WeightLoader; value: Promise<Ends> } | null = null;
  #uses = 0;
  /** Loads come one after the other: they share what only loading needs. */
  readonly #scratch: LoadScratch;
  #last: Promise<unknown> = Promise.resolve();

  /** @param slots blocks on the GPU at once: 1 saves most memory, 2 hide reading behind computing */
  constructor(gpu: Gpu, files: ModelFiles, storage: WeightStorage, slots = 1) {
    this.#gpu = gpu;
    this.#files = files;
    this.#storage = storage;
    this.#limit = slots;
    this.#scratch = { commands: gpu.commands(), staging: null };
  }

  async embedding(): Promise<Weight> {
    return (await this.#loadEnds()).embedding;
  }

  async finalNorm(): Promise<Tensor> {
    return (await this.#loadEnds()).finalNorm;
  }

  async head(): Promise<Weight> {
    return (await this.#loadEnds()).head;
  }

  async block(layer: number): Promise<BlockWeights> {
    const slot = this.#slotOf(layer) ?? (await this.#load(layer));
    slot.borrowed = true;
    slot.used = this.#uses += 1;
    return slot.value;
  }

  prefetch(layer: number): void {
    if (layer < 0 || this.#slotOf(layer)) return;
    const isFull = this.#slots.length >= this.#limit && this.#slots.every(({ borrowed }) => borrowed);
    if (isFull) return;
    // What goes wrong here is told to whoever asks for the block.
    void this.#load(layer).then(
      ({ value }) => value.catch(() => undefined),
      () => undefined,
    );
  }

  release(layer: number): void {
    const slot = this.#slotOf(layer);
    if (slot) slot.borrowed = false;
  }

  dispose(): void {
    for (const { loader } of this.#slots.splice(0)) loader.dispose();
    this.#ends?.loader.dispose();
    this.#ends = null;
    freeLoadScratch(this.#gpu, this.#scratch);
  }

  #slotOf(layer: number): Slot | undefined {
    return this.#slots.find((slot) => slot.layer === layer);
  }

  /** Loads a block into a new slot, or in the place of the block that was not used for longest. */
  async #load(layer: number): Promise<Slot> {
    const used = (this.#uses += 1);
    if (this.#slots.length < this.#limit) {
      const slot = { layer, borrowed: false, used, ...this.#start(layer) };
      this.#slots.push(slot);
      return slot;
    }
    const free = this.#slots.filter(({ borrowed }) => !borrowed).sort((a, b) => a.used - b.used);
    const [slot] = free;
    assert(slot, 'every slot of streamed weights is borrowed');
    const former = slot.value;
    Object.assign(slot, { layer, used });
    slot.value = former.then(
      () => this.#replace(slot, layer),
      () => this.#replace(slot, layer),
    );
    return slot;
  }

  #replace(slot: Slot, layer: number): Promise<BlockWeights> {
    const { loader, value } = this.#start(layer, slot.loader);
    slot.loader = loader;
    return value;
  }

  #start(layer: number, former?: WeightLoader): { loader: WeightLoader; value: Promise<BlockWeights> } {
    const loader = new WeightLoader(this.#gpu, this.#files, this.#storage, {
      former,
      scratch: this.#scratch,
    });
    return { loader, value: this.#inTurn(loader, () => loadBlock(loader, this.#files.spec, layer)) };
  }

  #inTurn<T>(loader: WeightLoader, load: () => Promise<T>): Promise<T> {
    const value = this.#last.then(async () => {
      const loaded = await load();
      loader.finish();
      return loaded;
    });
    this.#last = value.catch(() => undefined);
    return value;
  }

  #loadEnds(): Promise<Ends> {
    if (!this.#ends) {
      const loader = new WeightLoader(this.#gpu, this.#files, this.#storage, { scratch: this.#scratch });
      this.#ends = { loader, value: this.#inTurn(loader, () => loadEnds(loader, this.#files.spec)) };
    }
    return this.#ends.value;
  }
}
