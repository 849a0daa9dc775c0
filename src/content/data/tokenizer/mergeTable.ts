/** The merges of a BPE model: for a pair of adjacent tokens, its rank and the merged token. */
export class MergeTable {
  private readonly mask: number;
  /** [slots × 4] left token (−1: none), right token, rank and merged token, adjacent in memory. */
  private readonly slots: Int32Array;
  /** [merges] by rank, the merged token. */
  readonly made: Int32Array;

  constructor(merges: number) {
    let slots = 16;
    while (slots < merges * 2) slots *= 2;
    this.mask = slots - 1;
    this.slots = new Int32Array(slots * 4).fill(-1);
    this.made = new Int32Array(merges);
  }

  /** A later merge of the same pair wins, as in Rust's library. */
  set(left: number, right: number, rank: number, made: number): void {
    const slot = this.slotOf(left, right);
    this.slots[slot] = left;
    this.slots[slot + 1] = right;
    this.slots[slot + 2] = rank;
    this.made[rank] = made;
  }

  /** The rank of a pair's merge; −1 if there is none. */
  rankOf(left: number, right: number): number {
    return this.slots[this.slotOf(left, right) + 2]!;
  }

  private slotOf(left: number, right: number): number {
    const { slots, mask } = this;
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    hash ^= hash >>> 15;
    let slot = hash & mask;
    for (;;) {
      const at = slot * 4;
      const found = slots[at]!;
      if (found === -1 || (found === left && slots[at + 1] === right)) return at;
      slot = (slot + 1) & mask;
    }
  }
}
