/** The merges of a BPE model: for two tokens side by side their rank and what they become. */
export class MergeTable {
  private readonly mask: number;
  private readonly left: Int32Array;
  private readonly right: Int32Array;
  private readonly rank: Int32Array;
  /** [merges] by rank, the token two become */
  readonly made: Int32Array;

  constructor(merges: number) {
    let slots = 16;
    while (slots < merges * 2) slots *= 2;
    this.mask = slots - 1;
    this.left = new Int32Array(slots).fill(-1);
    this.right = new Int32Array(slots);
    this.rank = new Int32Array(slots);
    this.made = new Int32Array(merges);
  }

  /** A later merge of the same two counts, as in Rust's. */
  set(left: number, right: number, rank: number, made: number): void {
    const slot = this.slotOf(left, right);
    this.left[slot] = left;
    this.right[slot] = right;
    this.rank[slot] = rank;
    this.made[rank] = made;
  }

  /** The rank of two tokens' merge; −1 without one. */
  rankOf(left: number, right: number): number {
    const slot = this.slotOf(left, right);
    return this.left[slot] === -1 ? -1 : this.rank[slot]!;
  }

  private slotOf(left: number, right: number): number {
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    hash ^= hash >>> 15;
    let slot = hash & this.mask;
    while (this.left[slot] !== -1 && (this.left[slot] !== left || this.right[slot] !== right)) {
      slot = (slot + 1) & this.mask;
    }
    return slot;
  }
}
