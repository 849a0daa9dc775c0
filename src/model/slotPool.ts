import { assert } from '../lib/errors.ts';
import type { WeightLoader } from './weightLoader.ts';

/** Room for one item on the GPU. */
interface Slot<T> {
  key: number;
  /** Borrowed by a pass: its item must stay. */
  borrowed: boolean;
  /** Order of use. */
  used: number;
  loader: WeightLoader;
  value: Promise<T>;
}

/** Begins to load an item, in the place of one that is not needed any more. */
export type StartLoad<T> = (
  key: number,
  former: WeightLoader | undefined,
) => { loader: WeightLoader; value: Promise<T> };

/** Items of one shape that share a few slots of GPU memory: one is used while others come. */
export class SlotPool<T> {
  readonly #limit: number;
  readonly #start: StartLoad<T>;
  readonly #slots: Slot<T>[] = [];
  #uses = 0;

  /** @param limit items on the GPU at once */
  constructor(limit: number, start: StartLoad<T>) {
    this.#limit = limit;
    this.#start = start;
  }

  /** An item, which stays until it is released. */
  async take(key: number): Promise<T> {
    const slot = this.#slotOf(key) ?? this.#load(key);
    slot.borrowed = true;
    slot.used = this.#uses += 1;
    return slot.value;
  }

  /** Begins to load an item where a slot is free for it. */
  prefetch(key: number): void {
    if (this.#slotOf(key)) return;
    const isFull = this.#slots.length >= this.#limit && this.#slots.every(({ borrowed }) => borrowed);
    if (isFull) return;
    // What goes wrong here is told to whoever asks for the item.
    this.#load(key).value.catch(() => undefined);
  }

  /** Says that the commands that use an item are submitted. */
  release(key: number): void {
    const slot = this.#slotOf(key);
    if (slot) slot.borrowed = false;
  }

  dispose(): void {
    for (const { loader } of this.#slots.splice(0)) loader.dispose();
  }

  #slotOf(key: number): Slot<T> | undefined {
    return this.#slots.find((slot) => slot.key === key);
  }

  /** Loads into a new slot, or in the place of what was not used for longest. */
  #load(key: number): Slot<T> {
    const used = (this.#uses += 1);
    if (this.#slots.length < this.#limit) {
      const slot = { key, borrowed: false, used, ...this.#start(key, undefined) };
      this.#slots.push(slot);
      return slot;
    }
    const free = this.#slots.filter(({ borrowed }) => !borrowed).sort((a, b) => a.used - b.used);
    const [slot] = free;
    assert(slot, 'every slot of streamed weights is borrowed');
    const former = slot.value;
    const replace = (): Promise<T> => {
      const { loader, value } = this.#start(key, slot.loader);
      slot.loader = loader;
      return value;
    };
    Object.assign(slot, { key, used, value: former.then(replace, replace) });
    return slot;
  }
}
