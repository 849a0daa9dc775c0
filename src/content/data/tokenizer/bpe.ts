import { BYTE_CHARS } from './pieces.ts';
import { byteCharsOf, utf8Size } from './bytes.ts';
import type { Fields } from './fields.ts';
import type { MergeTable } from './mergeTable.ts';
import type { Model, WordOffsets, TokenTable } from './model.ts';
import { readMerges } from './readMerges.ts';
import { Symbols } from './symbols.ts';

const encoder = new TextEncoder();
/** Size of the word cache, and the maximum length of a cached word. */
const MAX_CACHED_WORDS = 40_000;
const MAX_CACHED_LENGTH = 48;
/** Starts a word in SentencePiece. */
const WORD_MARK = '▁';

/** Whether a BPE model has a token for every byte in GPT-2's alphabet, so that it can take words as raw text. */
export function hasAllBytes(fields: Fields, { idOf }: TokenTable): boolean {
  const hasAffix = ['continuing_subword_prefix', 'end_of_word_suffix'].some(
    (name) => (fields.maybeString(name) ?? '') !== '',
  );
  return !hasAffix && BYTE_CHARS.every((char) => idOf.has(char));
}

/**
 * Builds a BPE model. With `takesBytes`, words are raw text, whose UTF-8 the model maps to GPT-2's alphabet. Throws an
 * Error that names the unsupported feature.
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
  const merges = readMerges(fields.raw('merges'), table, options.prefix);
  return new Bpe(options, merges);
}

interface BpeOptions {
  table: TokenTable;
  takesBytes: boolean;
  unkToken: string | null;
  /** Null if there is no unknown token, or it is not in the vocabulary. */
  unkId: number | null;
  prefix: string;
  suffix: string;
  fuseUnk: boolean;
  byteFallback: boolean;
  ignoreMerges: boolean;
}

/** A word's tokens: ids, and the number of bytes of the word each covers. */
interface Merged {
  ids: Int32Array;
  sizes: Int32Array;
}

/** Where a word's tokens start and end in it, in UTF-16 units. */
interface Places {
  starts: Int32Array;
  ends: Int32Array;
}

/** A word that was merged before; its places are found when they are first asked for. */
interface KnownWord extends Merged {
  places: Places | null;
}

class Bpe implements Model {
  private readonly symbols = new Symbols();
  private readonly cache = new Map<string, KnownWord>();
  /** [0x10000] ids of single characters: −2 not looked up yet, −1 none. */
  private readonly chars = new Int32Array(0x10000).fill(-2);
  /** [256] byte fallback tokens, undefined if missing. */
  private readonly fallback: (number | undefined)[];
  /** Whether a word mark after this unit never merges with it; null if marks don't separate words. */
  private readonly isBorder: ((unit: number) => boolean) | null;
  /** Whether words are raw text. */
  private readonly takesBytes: boolean;
  readonly encodeBytes?: Model['encode'];

  constructor(
    private readonly options: BpeOptions,
    private readonly merges: MergeTable,
  ) {
    const { idOf } = options.table;
    this.takesBytes = options.takesBytes;
    this.fallback = Array.from({ length: 256 }, (_, byte) =>
      idOf.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
    );
    this.isBorder = this.takesBytes ? null : this.findBorders();
    if (this.takesBytes) {
      this.encodeBytes = (word, ids, offsets) => {
        this.mergeChars(word);
        const { symbols } = this;
        put(symbols.ids, symbols.length, ids);
        if (offsets) putPlaces(placesOf(word, symbols, symbols.length), 0, offsets);
      };
    }
  }

  encode(word: string, ids: number[], offsets: WordOffsets | null): void {
    const { isBorder } = this;
    let start = 0;
    // No token crosses such a boundary, so each part is merged separately.
    if (isBorder && word.length > MAX_CACHED_LENGTH) {
      for (let at = word.indexOf(WORD_MARK, 1); at >= 0; at = word.indexOf(WORD_MARK, at + 1)) {
        if (!isBorder(word.charCodeAt(at - 1))) continue;
        this.encodePart(word.slice(start, at), start, ids, offsets);
        start = at;
      }
    }
    this.encodePart(start === 0 ? word : word.slice(start), start, ids, offsets);
  }

  private encodePart(word: string, offset: number, ids: number[], offsets: WordOffsets | null): void {
    const known = this.cache.get(word) ?? this.merged(word);
    put(known.ids, known.ids.length, ids);
    if (!offsets) return;
    known.places ??= placesOf(word, known, known.ids.length);
    putPlaces(known.places, offset, offsets);
  }

  /** Merges a word, and keeps it for the next time. */
  private merged(word: string): KnownWord {
    const { symbols } = this;
    if (this.takesBytes) this.mergeBytes(word);
    else this.mergeChars(word);
    const { length } = symbols;
    const known = { ids: symbols.ids.slice(0, length), sizes: symbols.sizes.slice(0, length), places: null };
    if (word.length > MAX_CACHED_LENGTH) return known;
    if (this.cache.size >= MAX_CACHED_WORDS) this.cache.clear();
    this.cache.set(word, known);
    return known;
  }

  /** Merges a word of raw text, each byte of which is a token. */
  private mergeBytes(word: string): void {
    const { symbols, options } = this;
    if (options.ignoreMerges) {
      const id = options.table.idOf.get(byteCharsOf(word));
      if (id !== undefined) {
        symbols.clear();
        return symbols.add(id, encoder.encode(word).length);
      }
    }
    symbols.clear();
    for (let i = 0; i < word.length; i++) {
      const unit = word.charCodeAt(i);
      if (unit >= 0x80) {
        symbols.clear();
        for (const byte of encoder.encode(word)) symbols.add(this.byteId(byte), 1);
        break;
      }
      symbols.add(this.byteId(unit), 1);
    }
    symbols.merge(this.merges);
  }

  private byteId(byte: number): number {
    return this.lookUp(BYTE_CHARS[byte]!.charCodeAt(0));
  }

  private mergeChars(word: string): void {
    const { symbols, options } = this;
    symbols.clear();
    if (options.ignoreMerges) {
      const id = options.table.idOf.get(word);
      if (id !== undefined) return symbols.add(id, encoder.encode(word).length);
    }
    /** Bytes of consecutive unknown characters. */
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
      } else if (!(options.byteFallback && this.addBytes(word, at, next)) && options.unkToken !== null) {
        if (options.unkId === null)
          throw new Error(`model.unk_token ${options.unkToken} is not in model.vocab`);
        if (!options.fuseUnk) flush();
        unknown += size;
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
    return this.lookUp(codePoint);
  }

  private symbolText(word: string, at: number, next: number): string {
    const { prefix, suffix } = this.options;
    return (at > 0 ? prefix : '') + word.slice(at, next) + (next === word.length ? suffix : '');
  }

  /** Adds the byte tokens of a character with its affixes; false if one is missing. */
  private addBytes(word: string, at: number, next: number): boolean {
    const bytes = encoder.encode(this.symbolText(word, at, next));
    if (bytes.some((byte) => this.fallback[byte] === undefined)) return false;
    for (const byte of bytes) this.symbols.add(this.fallback[byte]!, 1);
    return true;
  }

  /**
   * SentencePiece's tokens start with the word mark and rarely contain another, so a long text can be split before it.
   * That is only certain if the characters on both sides are tokens themselves.
   */
  private findBorders(): ((codePoint: number) => boolean) | null {
    const { prefix, suffix, table, ignoreMerges } = this.options;
    if (prefix !== '' || suffix !== '' || ignoreMerges || !table.idOf.has(WORD_MARK)) return null;
    // Characters without any token shift all later offsets in Rust's library, and so here.
    if (this.options.unkToken === null) return null;
    const joined = new Uint8Array(0x10000);
    for (const token of table.idOf.keys()) {
      for (let at = token.indexOf(WORD_MARK, 1); at >= 0; at = token.indexOf(WORD_MARK, at + 1)) {
        joined[token.charCodeAt(at - 1)] = 1;
      }
    }
    return (unit) => joined[unit] === 0 && this.lookUp(unit) >= 0;
  }

  /** The token of a character below U+10000; −1 if there is none. */
  private lookUp(unit: number): number {
    let id = this.chars[unit]!;
    if (id === -2) this.chars[unit] = id = this.options.table.idOf.get(String.fromCharCode(unit)) ?? -1;
    return id;
  }
}

function put(from: Int32Array, count: number, ids: number[]): void {
  for (let i = 0; i < count; i++) ids.push(from[i]!);
}

function putPlaces({ starts, ends }: Places, offset: number, offsets: WordOffsets): void {
  for (let i = 0; i < starts.length; i++) {
    offsets.starts.push(offset + starts[i]!);
    offsets.ends.push(offset + ends[i]!);
  }
}

/** The places of a word's tokens; a character's position is that of each of its bytes. */
function placesOf(word: string, { sizes }: Pick<Merged, 'sizes'>, count: number): Places {
  const places = { starts: new Int32Array(count), ends: new Int32Array(count) };
  /** The character of the next byte starts at `at`, which is byte `atByte`. */
  let at = 0;
  let atByte = 0;
  let byte = 0;
  for (let i = 0; i < count; i++) {
    byte += sizes[i]!;
    places.starts[i] = at;
    let next = at;
    let nextByte = atByte;
    while (next < word.length && nextByte < byte) {
      at = next;
      atByte = nextByte;
      const codePoint = word.codePointAt(next)!;
      next += codePoint > 0xffff ? 2 : 1;
      nextByte += utf8Size(codePoint);
    }
    places.ends[i] = next;
    if (nextByte <= byte) {
      at = next;
      atByte = nextByte;
    }
  }
  return places;
}
