import { assert } from '../../../base/lib/errors.ts';
import type { WeightLoader } from './weightLoader.ts';

/** GPU memory for one item. */
interface Slot<T> {
  key: number;
  /** In use by a pass: its item must stay. */
  borrowed: boolean;
  /** Counter value of the last use. */
  used: number;
  loader: WeightLoader;
  value: Promise<T>;
}

/** Starts loading an item, reusing the tensors of `former`, which is no longer needed. */
export type StartLoad<T> = (
  key: number,
  former: WeightLoader | undefined,
) => { loader: WeightLoader; value: Promise<T> };

/** Items of one shape that share a few slots of GPU memory: one is used while others are loaded. */
export class SlotPool<T> {
  readonly #limit: number;
  readonly #start: StartLoad<T>;
  readonly #slots: Slot<T>[] = [];
  #uses = 0;
  #disposed = false;

  /** @param limit maximum number of items on the GPU */
  constructor(limit: number, start: StartLoad<T>) {
    this.#limit = limit;
    this.#start = start;
  }

  /** Waits for an item, which then stays until it is released. */
  async take(key: number): Promise<T> {
    const slot = this.#slotOf(key) ?? this.#load(key);
    slot.borrowed = true;
    slot.used = this.#uses += 1;
    return slot.value;
  }

  /** Starts loading the next items in order, as far as there are slots that hold none of them. */
  prefetch(keys: readonly number[]): void {
    for (const key of keys) {
      if (this.#slotOf(key)) continue;
      const free = this.#slots.some((slot) => !slot.borrowed && !keys.includes(slot.key));
      if (!free && this.#slots.length >= this.#limit) return;
      // A failure is thrown to whoever takes the item.
      this.#load(key, keys).value.catch(() => undefined);
    }
  }

  /** Call once the commands that use an item are submitted. */
  release(key: number): void {
    const slot = this.#slotOf(key);
    if (slot) slot.borrowed = false;
  }

  dispose(): void {
    this.#disposed = true;
    for (const { loader } of this.#slots.splice(0)) loader.dispose();
  }

  #slotOf(key: number): Slot<T> | undefined {
    return this.#slots.find((slot) => slot.key === key);
  }

  /**
   * Loads into a new slot, or replaces the least recently used item.
   * @param others items that must stay
   */
  #load(key: number, others: readonly number[] = []): Slot<T> {
    const used = (this.#uses += 1);
    if (this.#slots.length < this.#limit) {
      const slot = { key, borrowed: false, used, ...this.#start(key, undefined) };
      this.#slots.push(slot);
      return slot;
    }
    const [slot] = this.#slots
      .filter((other) => !other.borrowed && !others.includes(other.key))
      .sort((a, b) => a.used - b.used);
    assert(slot, 'every slot of streamed weights is borrowed');
    const former = slot.value;
    const replace = (): Promise<T> => {
      assert(!this.#disposed, 'loading goes on after its end');
      const { loader, value } = this.#start(key, slot.loader);
      slot.loader = loader;
      return value;
    };
    Object.assign(slot, { key, used, value: former.then(replace, replace) });
    return slot;
  }
}
