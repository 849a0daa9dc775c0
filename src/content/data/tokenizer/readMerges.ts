import { MergesText } from './mergesText.ts';
import { MergeTable } from './mergeTable.ts';
import type { TokenTable } from './model.ts';

/**
 * Reads `model.merges`: as ranges of text, as pairs, or as texts of two tokens separated by a space. Throws an Error
 * that names an invalid merge.
 */
export function readMerges(merges: unknown, table: TokenTable, prefix: string): MergeTable {
  if (merges instanceof MergesText) return readText(merges, table, prefix.length);
  if (!Array.isArray(merges)) throw new Error('model.merges is not a list');
  return readList(merges as unknown[], table, prefix.length);
}

function readList(list: readonly unknown[], { idOf }: TokenTable, prefix: number): MergeTable {
  // Files may start with a line "#version: 0.2".
  const merges = list.filter((merge) => typeof merge !== 'string' || !merge.startsWith('#version'));
  const table = new MergeTable(merges.length);
  for (const [rank, merge] of merges.entries()) {
    const parts: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    const [left, right] = Array.isArray(parts) && parts.length === 2 ? (parts as unknown[]) : [];
    if (typeof left !== 'string' || typeof right !== 'string') {
      throw new Error(`model.merges[${rank}] is not a pair`);
    }
    const made = left + right.slice(prefix);
    table.set(
      idOf.get(left) ?? outside(left),
      idOf.get(right) ?? outside(right),
      rank,
      idOf.get(made) ?? outside(made),
    );
  }
  return table;
}

function outside(token: string): never {
  throw new Error(`model.merges: ${JSON.stringify(token)} is not in model.vocab`);
}

function readText(merges: MergesText, { tokens, idOf }: TokenTable, prefix: number): MergeTable {
  const { text, bounds, count, escaped } = merges;
  const table = new MergeTable(count);
  const index = new TokenIndex(tokens, idOf.size);
  const spelled = (start: number, end: number) => (start < 0 ? escaped[-1 - start]! : text.slice(start, end));
  for (let rank = 0; rank < count; rank++) {
    const leftStart = bounds[rank * 4]!;
    const leftEnd = bounds[rank * 4 + 1]!;
    const rightStart = bounds[rank * 4 + 2]!;
    const rightEnd = bounds[rank * 4 + 3]!;
    let left: number;
    let right: number;
    let made: number;
    if (leftStart < 0 || rightStart < 0) {
      const [first, second] = [spelled(leftStart, leftEnd), spelled(rightStart, rightEnd)];
      left = idOf.get(first) ?? outside(first);
      right = idOf.get(second) ?? outside(second);
      const joined = first + second.slice(prefix);
      made = idOf.get(joined) ?? outside(joined);
    } else {
      left = index.find(text, leftStart, leftEnd, 0, 0);
      right = index.find(text, rightStart, rightEnd, 0, 0);
      made = index.find(text, leftStart, leftEnd, rightStart + prefix, rightEnd);
      if (left < 0) outside(spelled(leftStart, leftEnd));
      if (right < 0) outside(spelled(rightStart, rightEnd));
      if (made < 0) outside(spelled(leftStart, leftEnd) + spelled(rightStart + prefix, rightEnd));
    }
    table.set(left, right, rank, made);
  }
  return table;
}

/** Looks up tokens by ranges of a text, without creating a string for each. */
class TokenIndex {
  private readonly mask: number;
  /** [slots × 2] hash and id (−1: none) */
  private readonly slots: Int32Array;

  constructor(
    private readonly tokens: readonly (string | undefined)[],
    size: number,
  ) {
    let slots = 16;
    while (slots < size * 2) slots *= 2;
    this.mask = slots - 1;
    this.slots = new Int32Array(slots * 2).fill(-1);
    for (let id = 0; id < tokens.length; id++) {
      const token = tokens[id];
      if (token === undefined) continue;
      const hash = hashOf(token, 0, token.length, 0);
      let slot = mixed(hash) & this.mask;
      while (this.slots[slot * 2 + 1] !== -1) slot = (slot + 1) & this.mask;
      this.slots[slot * 2] = hash;
      this.slots[slot * 2 + 1] = id;
    }
  }

  /** The token text[start, end) + text[start2, end2); −1 if there is none. */
  find(text: string, start: number, end: number, start2: number, end2: number): number {
    const { slots, mask } = this;
    const hash = hashOf(text, start2, end2, hashOf(text, start, end, 0));
    for (let slot = mixed(hash) & mask; ; slot = (slot + 1) & mask) {
      const id = slots[slot * 2 + 1]!;
      if (id === -1) return -1;
      if (slots[slot * 2] === hash && this.isToken(id, text, start, end, start2, end2)) return id;
    }
  }

  private isToken(
    id: number,
    text: string,
    start: number,
    end: number,
    start2: number,
    end2: number,
  ): boolean {
    const token = this.tokens[id]!;
    if (token.length !== end - start + end2 - start2) return false;
    let at = 0;
    for (let i = start; i < end; i++) if (token.charCodeAt(at++) !== text.charCodeAt(i)) return false;
    for (let i = start2; i < end2; i++) if (token.charCodeAt(at++) !== text.charCodeAt(i)) return false;
    return true;
  }
}

/** Continues `hash` over text[start, end). */
function hashOf(text: string, start: number, end: number, hash: number): number {
  let made = hash;
  for (let i = start; i < end; i++) made = (Math.imul(made, 31) + text.charCodeAt(i)) | 0;
  return made;
}

function mixed(hash: number): number {
  const made = Math.imul(hash, 0x9e3779b1);
  return made ^ (made >>> 16);
}
