import { byteCharsOf, utf8Size } from './bytes.ts';
import type { Fields } from './fields.ts';
import { MergeTable } from './mergeTable.ts';
import { readVocabulary, type Ends, type Model, type TokenTable } from './model.ts';
import { Symbols } from './symbols.ts';
import { unitsAt } from './trackedText.ts';

const encoder = new TextEncoder();
/** Words that are kept with their ids, and the longest of them. */
const MAX_KEPT = 40_000;
const MAX_KEPT_LENGTH = 48;
/** Where SentencePiece's words begin. */
const WORD_MARK = '▁';

/** Reads the vocabulary of a BPE model. */
export function readBpeVocabulary(fields: Fields): TokenTable {
  return readVocabulary(fields.raw('vocab'));
}

/**
 * Builds a BPE model. `takesBytes`: words come as raw text, whose UTF-8 is to be written in GPT-2's alphabet first.
 * Throws an Error that names what isn't supported.
 */
export function readBpe(fields: Fields, table: TokenTable, takesBytes: boolean): Model {
  const dropout = fields.raw('dropout') ?? 0;
  if (dropout !== 0) fields.refuse(`dropout ${JSON.stringify(dropout)}`);
  const unkToken = fields.maybeString('unk_token');
  const options = {
    table,
    takesBytes,
    unkToken,
    unkId: unkToken === null ? null : (table.idOf.get(unkToken) ?? null),
    prefix: fields.maybeString('continuing_subword_prefix') ?? '',
    suffix: fields.maybeString('end_of_word_suffix') ?? '',
    fuseUnk: (fields.raw('fuse_unk') ?? false) && fields.boolean('fuse_unk'),
    byteFallback: (fields.raw('byte_fallback') ?? false) && fields.boolean('byte_fallback'),
    ignoreMerges: (fields.raw('ignore_merges') ?? false) && fields.boolean('ignore_merges'),
  };
  const merges = readMerges(fields.list('merges'), table, options.prefix);
  return new Bpe(options, merges);
}

function readMerges(list: readonly unknown[], { idOf, tokens }: TokenTable, prefix: string): MergeTable {
  // Files may begin with a line "#version: 0.2".
  const merges = typeof list[0] === 'string' ? list.filter((merge) => !String(merge).startsWith('#version')) : list;
  const table = new MergeTable(merges.length);
  const outside = (token: string): never => {
    throw new Error(`model.merges: ${JSON.stringify(token)} is not in model.vocab`);
  };
  let guess = -1;
  for (let rank = 0; rank < merges.length; rank++) {
    const merge = merges[rank];
    const parts: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    if (!Array.isArray(parts) || parts.length !== 2 || typeof parts[0] !== 'string' || typeof parts[1] !== 'string') {
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

function isJoined(token: string | undefined, left: string, right: string): boolean {
  return (
    token !== undefined &&
    token.length === left.length + right.length &&
    token.startsWith(left) &&
    token.endsWith(right)
  );
}

interface BpeOptions {
  table: TokenTable;
  takesBytes: boolean;
  unkToken: string | null;
  /** Null where there is no unknown token, or it is not in the vocabulary. */
  unkId: number | null;
  prefix: string;
  suffix: string;
  fuseUnk: boolean;
  byteFallback: boolean;
  ignoreMerges: boolean;
}

class Bpe implements Model {
  private readonly symbols = new Symbols();
  private readonly kept = new Map<string, Int32Array>();
  /** [0x10000] ids of single characters: −2 not looked up yet, −1 none */
  private readonly chars = new Int32Array(0x10000).fill(-2);
  /** [256] tokens of the byte fallback, null when one is missing */
  private readonly fallback: (number | undefined)[];
  /** Characters behind which a word mark never joins a token; null when words can't be told apart by it. */
  private readonly bordersBefore: ((codePoint: number) => boolean) | null;

  constructor(
    private readonly options: BpeOptions,
    private readonly merges: MergeTable,
  ) {
    const { idOf } = options.table;
    this.fallback = Array.from({ length: 256 }, (_, byte) =>
      idOf.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
    );
    this.bordersBefore = options.takesBytes ? null : this.findBorders();
  }

  encode(word: string, ids: number[], ends: Ends | null): void {
    if (ends) return this.encodeTracked(word, ids, ends);
    const { bordersBefore } = this;
    if (!bordersBefore || word.length <= MAX_KEPT_LENGTH) return this.encodeWord(word, ids);
    // No token reaches over such a border, so each part is merged as if it stood alone.
    let start = 0;
    for (let at = word.indexOf(WORD_MARK, 1); at >= 0; at = word.indexOf(WORD_MARK, at + 1)) {
      if (at === start || !bordersBefore(word.charCodeAt(at - 1))) continue;
      this.encodeWord(word.slice(start, at), ids);
      start = at;
    }
    this.encodeWord(word.slice(start), ids);
  }

  private encodeWord(word: string, ids: number[]): void {
    const known = this.kept.get(word);
    if (known) {
      for (let i = 0; i < known.length; i++) ids.push(known[i]!);
      return;
    }
    const { symbols } = this;
    this.mergeWord(word);
    for (let i = 0; i < symbols.length; i++) ids.push(symbols.ids[i]!);
    if (word.length > MAX_KEPT_LENGTH) return;
    if (this.kept.size >= MAX_KEPT) this.kept.clear();
    this.kept.set(word, symbols.ids.slice(0, symbols.length));
  }

  /** Words come as the model's characters here: text that is tracked was mapped to bytes before. */
  private encodeTracked(word: string, ids: number[], ends: Ends): void {
    const { symbols } = this;
    this.mergeChars(word);
    // Sizes are in bytes: a character's place is that of each of its bytes.
    let byte = 0;
    let at = 0;
    let atByte = 0;
    for (let i = 0; i < symbols.length; i++) {
      const size = symbols.sizes[i]!;
      ids.push(symbols.ids[i]!);
      while (at < word.length && atByte + utf8Size(word.codePointAt(at)!) <= byte) {
        atByte += utf8Size(word.codePointAt(at)!);
        at += unitsAt(word, at);
      }
      ends.starts.push(at);
      byte += size;
      let end = at;
      let endByte = atByte;
      while (end < word.length && endByte < byte) {
        endByte += utf8Size(word.codePointAt(end)!);
        end += unitsAt(word, end);
      }
      ends.ends.push(end);
    }
  }

  private mergeWord(word: string): void {
    if (!this.options.takesBytes) return this.mergeChars(word);
    this.mergeChars(byteCharsOf(word));
  }

  private mergeChars(word: string): void {
    const { symbols, options } = this;
    symbols.clear();
    if (options.ignoreMerges) {
      const id = options.table.idOf.get(word);
      if (id !== undefined) return symbols.add(id, encoder.encode(word).length);
    }
    /** Bytes of unknown characters in a row; 0 without any. */
    let unknown = 0;
    const flush = () => {
      if (unknown > 0) symbols.add(options.unkId!, unknown);
      unknown = 0;
    };
    for (let at = 0; at < word.length;) {
      const codePoint = word.codePointAt(at)!;
      const next = at + (codePoint > 0xffff ? 2 : 1);
      const size = utf8Size(codePoint);
      const id = this.idOfChar(word, codePoint, at, next);
      if (id >= 0) {
        flush();
        symbols.add(id, size);
      } else if (!(options.byteFallback && this.addBytes(word, at, next))) {
        if (options.unkToken !== null) {
          if (options.unkId === null) throw new Error(`model.unk_token ${options.unkToken} is not in model.vocab`);
          if (!options.fuseUnk) flush();
          unknown += size;
        }
      }
      at = next;
    }
    flush();
    symbols.merge(this.merges);
  }

  private idOfChar(word: string, codePoint: number, at: number, next: number): number {
    const { prefix, suffix, table } = this.options;
    const hasAffix = (prefix !== '' && at > 0) || (suffix !== '' && next === word.length);
    if (hasAffix) return table.idOf.get(this.symbolText(word, at, next)) ?? -1;
    if (codePoint > 0xffff) return table.idOf.get(word.slice(at, next)) ?? -1;
    let id = this.chars[codePoint]!;
    if (id === -2) this.chars[codePoint] = id = table.idOf.get(word[at]!) ?? -1;
    return id;
  }

  private symbolText(word: string, at: number, next: number): string {
    const { prefix, suffix } = this.options;
    return (at > 0 ? prefix : '') + word.slice(at, next) + (next === word.length ? suffix : '');
  }

  /** Adds the byte tokens of a character with its affixes; false when one is missing. */
  private addBytes(word: string, at: number, next: number): boolean {
    const bytes = encoder.encode(this.symbolText(word, at, next));
    if (bytes.some((byte) => this.fallback[byte] === undefined)) return false;
    for (const byte of bytes) this.symbols.add(this.fallback[byte]!, 1);
    return true;
  }

  /**
   * SentencePiece's tokens begin with the word mark and hardly have one later, so a long text can be cut before it.
   * Only where the characters on both sides are tokens themselves is it certain that nothing joins over the border.
   */
  private findBorders(): ((codePoint: number) => boolean) | null {
    const { prefix, suffix, table, ignoreMerges } = this.options;
    if (prefix !== '' || suffix !== '' || ignoreMerges || !table.idOf.has(WORD_MARK)) return null;
    const joined = new Uint8Array(0x10000);
    for (const token of table.idOf.keys()) {
      for (let at = token.indexOf(WORD_MARK, 1); at >= 0; at = token.indexOf(WORD_MARK, at + 1)) {
        joined[token.charCodeAt(at - 1)] = 1;
      }
    }
    return (unit) => joined[unit] === 0 && (this.chars[unit] !== -2 ? this.chars[unit]! : this.lookUp(unit)) >= 0;
  }

  private lookUp(unit: number): number {
    return (this.chars[unit] = this.options.table.idOf.get(String.fromCharCode(unit)) ?? -1);
  }
}

