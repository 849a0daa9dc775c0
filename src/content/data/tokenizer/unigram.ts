import { utf8Size } from './bytes.ts';
import type { Fields } from './fields.ts';
import type { Model, WordOffsets, TokenTable } from './model.ts';

const encoder = new TextEncoder();
/** Score penalty of an unknown character relative to the worst token. */
const UNKNOWN_PENALTY = 10;
const MAX_CACHED_WORDS = 20_000;
const MAX_CACHED_LENGTH = 64;

export interface UnigramVocabulary extends TokenTable {
  scores: Float64Array;
}

/** Reads `model.vocab` of a Unigram model: [token, score] by id. The last of equal tokens wins. */
export function readUnigramVocabulary(fields: Fields): UnigramVocabulary {
  const list = fields.list('vocab');
  const idOf = new Map<string, number>();
  const tokens: string[] = [];
  const scores = new Float64Array(list.length);
  for (const [id, entry] of list.entries()) {
    const [token, score] = Array.isArray(entry) ? (entry as unknown[]) : [];
    if (typeof token !== 'string' || typeof score !== 'number')
      throw new Error(`model.vocab[${id}] is not a token and its score`);
    idOf.set(token, id);
    tokens.push(token);
    scores[id] = serdeScore(score);
  }
  return { idOf, tokens, scores, size: tokens.length };
}

/**
 * A score as Rust's serde_json parses it: its digits as one number, divided by a power of ten. That may be off in the
 * last bit, which decides between otherwise equal paths.
 */
function serdeScore(score: number): number {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(score)) ?? [];
  if (fraction === '' && exponent === '0') return score;
  const power = Number(exponent) - fraction.length;
  const scale = Number(`1e${Math.abs(power)}`);
  const digits = Number(whole + fraction);
  return (sign === '-' ? -1 : 1) * (power < 0 ? digits / scale : digits * scale);
}

/** Builds a Unigram model. Throws an Error that names the invalid field. */
export function readUnigram(fields: Fields, vocabulary: UnigramVocabulary): Model {
  const unkId =
    fields.raw('unk_id') === undefined || fields.raw('unk_id') === null ? null : fields.count('unk_id');
  if (unkId !== null && unkId >= vocabulary.size) fields.fail('unk_id', 'an id of model.vocab');
  return new Unigram(vocabulary, unkId, fields.boolean('byte_fallback', false));
}

/** Tokens with scores: a word is split so that the sum of its scores is maximal. */
class Unigram implements Model {
  private readonly sorted: string[];
  /** [sorted] the id of each token */
  private readonly ids: Int32Array;
  /** First and last + 1 of the sorted tokens that start with a unit. */
  private readonly ranges = new Map<number, [number, number]>();
  private readonly unkScore: number;
  private readonly fallback: (number | undefined)[];
  private readonly cache = new Map<string, number[]>();

  constructor(
    private readonly vocabulary: UnigramVocabulary,
    private readonly unkId: number | null,
    private readonly byteFallback: boolean,
  ) {
    const { idOf, scores } = vocabulary;
    this.sorted = [...idOf.keys()].filter((token) => token !== '').sort((a, b) => (a < b ? -1 : 1));
    this.ids = Int32Array.from(this.sorted, (token) => idOf.get(token)!);
    for (const [i, token] of this.sorted.entries()) {
      const unit = token.charCodeAt(0);
      this.ranges.set(unit, [this.ranges.get(unit)?.[0] ?? i, i + 1]);
    }
    let worst = Infinity;
    for (const score of scores) if (score < worst) worst = score;
    this.unkScore = worst - UNKNOWN_PENALTY;
    this.fallback = Array.from({ length: 256 }, (_, byte) =>
      idOf.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
    );
  }

  encode(word: string, ids: number[], offsets: WordOffsets | null): void {
    const known = offsets ? undefined : this.cache.get(word);
    if (known) {
      for (const id of known) ids.push(id);
      return;
    }
    const first = ids.length;
    const borders = this.bestPath(word);
    for (let i = 1; i < borders.length; i++) this.add(word, borders[i - 1]!, borders[i]!, ids, offsets);
    if (offsets || word.length > MAX_CACHED_LENGTH) return;
    if (this.cache.size >= MAX_CACHED_WORDS) this.cache.clear();
    this.cache.set(word, ids.slice(first));
  }

  /** A piece's token; for an unknown piece, its bytes if all have tokens. */
  private add(word: string, start: number, end: number, ids: number[], offsets: WordOffsets | null): void {
    const piece = word.slice(start, end);
    const put = (id: number) => {
      ids.push(id);
      offsets?.starts.push(start);
      offsets?.ends.push(end);
    };
    const id = this.vocabulary.idOf.get(piece);
    if (id !== undefined) return put(id);
    if (this.byteFallback) {
      const bytes = encoder.encode(piece);
      if (bytes.every((byte) => this.fallback[byte] !== undefined)) {
        for (const byte of bytes) put(this.fallback[byte]!);
        return;
      }
    }
    put(this.unknown());
  }

  private unknown(): number {
    if (this.unkId === null)
      throw new Error('model.unk_id is missing, but the text has a character without a token');
    return this.unkId;
  }

  /** The boundaries of the best path (Viterbi): the first among equals; adjacent unknown characters are one piece. */
  private bestPath(word: string): number[] {
    const { scores } = this.vocabulary;
    const best = new Float64Array(word.length + 1);
    const from = new Int32Array(word.length + 1).fill(-1);
    const token = new Int32Array(word.length + 1);
    const offer = (end: number, start: number, id: number, score: number) => {
      if (from[end] !== -1 && !(score > best[end]!)) return;
      best[end] = score;
      from[end] = start;
      token[end] = id;
    };
    for (let at = 0; at < word.length;) {
      const codePoint = word.codePointAt(at)!;
      const next = at + (utf8Size(codePoint) === 4 ? 2 : 1);
      let hasChar = false;
      this.beginnings(word, at, (id, end) => {
        offer(end, at, id, scores[id]! + best[at]!);
        hasChar ||= end === next;
      });
      if (!hasChar) offer(next, at, this.unknown(), this.unkScore + best[at]!);
      at = next;
    }
    const borders: number[] = [word.length];
    for (let end = word.length; end > 0;) {
      let start = from[end]!;
      if (token[end] === this.unkId) while (start > 0 && token[start] === this.unkId) start = from[start]!;
      borders.push(start);
      end = start;
    }
    return borders.reverse();
  }

  /** All tokens that start at `at`, the shortest first. */
  private beginnings(word: string, at: number, found: (id: number, end: number) => void): void {
    const range = this.ranges.get(word.charCodeAt(at));
    if (!range) return;
    let [low, high] = range;
    for (let depth = 1; ; depth++) {
      // All of sorted[low, high) share word[at, at + depth); the one that ends there comes first.
      if (this.sorted[low]!.length === depth) found(this.ids[low++]!, at + depth);
      if (at + depth >= word.length || low >= high) return;
      const unit = word.charCodeAt(at + depth);
      low = this.bound(low, high, depth, unit);
      high = this.bound(low, high, depth, unit + 1);
      if (low >= high) return;
    }
  }

  /** The first of sorted[low, high) whose unit at `depth` is at least `unit`. */
  private bound(first: number, last: number, depth: number, unit: number): number {
    let low = first;
    let high = last;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sorted[middle]!.charCodeAt(depth) < unit) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
