import type { MergeTable } from './mergeTable.ts';

/** Words of up to this many symbols are merged by linear search for the lowest rank; longer ones with a heap. */
const MAX_LINEAR_LENGTH = 24;

/**
 * The symbols of a word while a BPE model merges them: ids, and sizes in bytes if needed. Reused across words, so that
 * encoding allocates little.
 */
export class Symbols {
  length = 0;
  ids = new Int32Array(64);
  sizes = new Int32Array(64);
  private next = new Int32Array(64);
  private previous = new Int32Array(64);
  private ranks = new Int32Array(64);
  private readonly heap = new MergeHeap();

  clear(): void {
    this.length = 0;
  }

  add(id: number, size: number): void {
    if (this.length === this.ids.length) this.grow();
    this.ids[this.length] = id;
    this.sizes[this.length++] = size;
  }

  private grow(): void {
    const grown = (old: Int32Array) => {
      const fresh = new Int32Array(old.length * 2);
      fresh.set(old);
      return fresh;
    };
    this.ids = grown(this.ids);
    this.sizes = grown(this.sizes);
    this.next = grown(this.next);
    this.previous = grown(this.previous);
    this.ranks = grown(this.ranks);
  }

  /** Merges until no merge is left: always the lowest rank, the leftmost among equals. */
  merge(table: MergeTable): void {
    if (this.length < 2) return;
    if (this.length <= MAX_LINEAR_LENGTH) this.mergeShort(table);
    else this.mergeLong(table);
  }

  private mergeShort(table: MergeTable): void {
    const { ids, sizes, ranks } = this;
    let length = this.length;
    for (let i = 0; i + 1 < length; i++) ranks[i] = table.rankOf(ids[i]!, ids[i + 1]!);
    for (;;) {
      let best = -1;
      for (let i = 0; i + 1 < length; i++) {
        const rank = ranks[i]!;
        if (rank >= 0 && (best < 0 || rank < ranks[best]!)) best = i;
      }
      if (best < 0) break;
      ids[best] = table.made[ranks[best]!]!;
      sizes[best]! += sizes[best + 1]!;
      length--;
      for (let i = best + 1; i < length; i++) {
        ids[i] = ids[i + 1]!;
        sizes[i] = sizes[i + 1]!;
        ranks[i] = ranks[i + 1]!;
      }
      if (best > 0) ranks[best - 1] = table.rankOf(ids[best - 1]!, ids[best]!);
      if (best + 1 < length) ranks[best] = table.rankOf(ids[best]!, ids[best + 1]!);
    }
    this.length = length;
  }

  private mergeLong(table: MergeTable): void {
    const { ids, sizes, next, previous, heap } = this;
    const length = this.length;
    heap.clear();
    const push = (at: number, other: number) => {
      const rank = table.rankOf(ids[at]!, ids[other]!);
      if (rank >= 0) heap.push(rank, at);
    };
    for (let i = 0; i < length; i++) {
      previous[i] = i - 1;
      next[i] = i + 1 < length ? i + 1 : -1;
    }
    for (let i = 0; i + 1 < length; i++) push(i, i + 1);
    while (heap.pop()) {
      const at = heap.at;
      const made = table.made[heap.rank]!;
      // Merged away (−1), or changed since it was queued.
      if (ids[at] === -1) continue;
      const right = next[at]!;
      if (right === -1) continue;
      const rank = table.rankOf(ids[at]!, ids[right]!);
      if (rank < 0 || table.made[rank] !== made) continue;
      ids[at] = made;
      sizes[at]! += sizes[right]!;
      ids[right] = -1;
      const after = next[right]!;
      next[at] = after;
      if (after !== -1) {
        previous[after] = at;
        push(at, after);
      }
      const before = previous[at]!;
      if (before !== -1) push(before, at);
    }
    let count = 0;
    for (let i = 0; i !== -1; i = next[i]!) {
      ids[count] = ids[i]!;
      sizes[count++] = sizes[i]!;
    }
    this.length = count;
  }
}

/** A heap of merges: lowest rank first, then leftmost position. */
class MergeHeap {
  rank = 0;
  at = 0;
  private size = 0;
  private ranks = new Int32Array(128);
  private positions = new Int32Array(128);

  clear(): void {
    this.size = 0;
  }

  push(rank: number, at: number): void {
    if (this.size === this.ranks.length) {
      const ranks = new Int32Array(this.size * 2);
      ranks.set(this.ranks);
      this.ranks = ranks;
      const positions = new Int32Array(this.size * 2);
      positions.set(this.positions);
      this.positions = positions;
    }
    const { ranks, positions } = this;
    let child = this.size++;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (ranks[parent]! < rank || (ranks[parent] === rank && positions[parent]! <= at)) break;
      ranks[child] = ranks[parent]!;
      positions[child] = positions[parent]!;
      child = parent;
    }
    ranks[child] = rank;
    positions[child] = at;
  }

  /** Moves the first merge into `rank` and `at`; false if there is none. */
  pop(): boolean {
    if (this.size === 0) return false;
    const { ranks, positions } = this;
    this.rank = ranks[0]!;
    this.at = positions[0]!;
    const rank = ranks[--this.size]!;
    const at = positions[this.size]!;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= this.size) break;
      const other = child + 1;
      if (
        other < this.size &&
        (ranks[other]! < ranks[child]! ||
          (ranks[other] === ranks[child] && positions[other]! < positions[child]!))
      ) {
        child = other;
      }
      if (rank < ranks[child]! || (rank === ranks[child] && at <= positions[child]!)) break;
      ranks[parent] = ranks[child]!;
      positions[parent] = positions[child]!;
      parent = child;
    }
    ranks[parent] = rank;
    positions[parent] = at;
    return true;
  }
}
