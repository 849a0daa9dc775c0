import type { TokenTable } from './model.ts';

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

/** Reads `model.merges`, pairs or texts of two tokens with a space. Throws an Error that names a merge that is wrong. */
export function readMerges(
  list: readonly unknown[],
  { idOf, tokens }: TokenTable,
  prefix: string,
): MergeTable {
  // Files may begin with a line "#version: 0.2".
  const merges =
    typeof list[0] === 'string' ? list.filter((merge) => !String(merge).startsWith('#version')) : list;
  const table = new MergeTable(merges.length);
  const outside = (token: string): never => {
    throw new Error(`model.merges: ${JSON.stringify(token)} is not in model.vocab`);
  };
  let guess = -1;
  for (let rank = 0; rank < merges.length; rank++) {
    const merge = merges[rank];
    const parts: unknown = typeof merge === 'string' ? splitMerge(merge) : merge;
    if (
      !Array.isArray(parts) ||
      parts.length !== 2 ||
      typeof parts[0] !== 'string' ||
      typeof parts[1] !== 'string'
    ) {
      throw new Error(`model.merges[${rank}] is not a pair`);
    }
    const [left, right] = parts as [string, string];
    const leftId = idOf.get(left) ?? outside(left);
    const rightId = idOf.get(right) ?? outside(right);
    const rest = prefix === '' ? right : right.slice(prefix.length);
    // Most files list the merges in the order of what they make: no need to join and look up.
    let made = guess;
    if (!isJoined(tokens[made], left, rest)) {
      made = guess + 1;
      if (!isJoined(tokens[made], left, rest)) made = idOf.get(left + rest) ?? outside(left + rest);
    }
    guess = made;
    table.set(leftId, rightId, rank, made);
  }
  return table;
}

function splitMerge(merge: string): string[] {
  const space = merge.indexOf(' ');
  return space >= 0 && !merge.includes(' ', space + 1) ? [merge.slice(0, space), merge.slice(space + 1)] : [];
}

function isJoined(token: string | undefined, left: string, right: string): boolean {
  return (
    token !== undefined &&
    token.length === left.length + right.length &&
    token.startsWith(left) &&
    token.endsWith(right)
  );
}
