import { AddedTokenFinder, type AddedToken } from './addedTokens.ts';
import { checkComponents } from './components.ts';
import { readDecoder, type Decoder } from './decoders.ts';
import { maybePart } from './fields.ts';
import { spendGrowth } from './growth.ts';
import type { Model, WordOffsets } from './model.ts';
import { modelOf } from './modelOf.ts';
import { readNormalizer, type Normalizer } from './normalizers.ts';
import { readFrame, type Frame } from './postProcessor.ts';
import { readPreTokenizer, type PreTokenizer } from './preTokenizers.ts';
import { TokenList, type NewToken } from './tokenList.ts';
import { TrackedText } from './trackedText.ts';

type Json = Readonly<Record<string, unknown>>;

/** Ranges [start, end) of a text, in UTF-16 units. */
export type Ranges = readonly (readonly [start: number, end: number])[];

export interface PipelineOptions {
  addSpecialTokens: boolean;
  /** Ranges of the text in which special tokens are treated as plain text. */
  plain?: Ranges | undefined;
}

/** A text's tokens and their ranges in it, in UTF-16 units; [0, 0) for those added by the frame. */
export interface TrackedIds {
  ids: number[];
  starts: number[];
  ends: number[];
}

/** A special token spelled out in a text, and its range in UTF-16 units. */
export interface SpecialRange {
  id: number;
  token: string;
  start: number;
  end: number;
}

/** The whole pipeline of a tokenizer.json: encodes like Rust's `tokenizers`. */
export class Pipeline {
  readonly tokens: TokenList;
  readonly decoder: Decoder | null;
  /** Adds special tokens around a text. */
  readonly frame: Frame;
  private readonly model: Model;
  private readonly normalizer: Normalizer | null;
  private readonly preTokenizer: PreTokenizer | null;
  /** Added tokens that are matched in the original text, and those matched in the normalized text. */
  private readonly raw: AddedTokenFinder;
  private readonly normalized: AddedTokenFinder;
  private readonly needsTracking: boolean;
  private readonly hasNormalizedSpecial: boolean;

  /** Throws an Error that names the invalid or unsupported component and field. */
  constructor(json: Json, extra: readonly NewToken[] = []) {
    if (json.version !== undefined && json.version !== '1.0')
      throw new Error(`version should be "1.0": it is ${JSON.stringify(json.version)}`);
    checkComponents(json);
    const { table, canTakeBytes, build } = modelOf(json);
    this.normalizer = maybePart(json, 'normalizer', readNormalizer);
    this.preTokenizer = maybePart(json, 'pre_tokenizer', (each) => readPreTokenizer(each, canTakeBytes));
    this.model = build(this.preTokenizer?.byteLevel ?? false);
    this.frame = maybePart(json, 'post_processor', readFrame) ?? [null];
    this.decoder = maybePart(json, 'decoder', readDecoder);
    this.tokens = new TokenList(json, table, this.normalizer, extra);
    const added = [...this.tokens.added.values()];
    this.raw = new AddedTokenFinder(added.filter((token) => !token.normalized));
    this.normalized = new AddedTokenFinder(added.filter((token) => token.normalized));
    this.hasNormalizedSpecial = added.some((token) => token.normalized && token.special);
    const { normalizer, preTokenizer } = this;
    this.needsTracking =
      (normalizer?.needsTracking ?? false) ||
      (preTokenizer?.needsTracking ?? false) ||
      (normalizer !== null && (preTokenizer?.needsOrigin ?? false));
  }

  /** Token ids of a text. */
  encode(text: string, { addSpecialTokens, plain }: PipelineOptions): number[] {
    const hasPlain = plain !== undefined && plain.length > 0;
    const ids =
      this.needsTracking || (hasPlain && this.hasNormalizedSpecial)
        ? this.trackedBody(text, plain).ids
        : this.plainBody(text, plain);
    return this.isBare(addSpecialTokens)
      ? ids
      : this.framed(addSpecialTokens, (add) => add(ids), ids.length).ids;
  }

  /** Token ids of a text with their ranges in it. */
  encodeTracked(text: string, { addSpecialTokens, plain }: PipelineOptions): TrackedIds {
    const body = this.placedBody(text, plain) ?? this.trackedBody(text, plain);
    if (this.isBare(addSpecialTokens)) return body;
    return this.framed(addSpecialTokens, (add) => add(body.ids, body.starts, body.ends), body.ids.length);
  }

  /** Special tokens spelled out in a text, in order. */
  specialTokensIn(text: string): SpecialRange[] {
    const found: SpecialRange[] = [];
    this.segments(
      text,
      undefined,
      () => undefined,
      (token, start, end) => {
        if (token.special) found.push({ id: token.id, token: token.content, start, end });
      },
    );
    return found;
  }

  private isBare(addSpecialTokens: boolean): boolean {
    const { frame } = this;
    return addSpecialTokens
      ? frame.length === 1 && frame[0] === null
      : frame.filter((id) => id === null).length === 1;
  }

  private framed(
    addSpecialTokens: boolean,
    body: (
      add: (ids: readonly number[], starts?: readonly number[], ends?: readonly number[]) => void,
    ) => void,
    length: number,
  ): TrackedIds {
    const made: TrackedIds = { ids: [], starts: [], ends: [] };
    for (const id of this.frame) {
      if (id === null) {
        spendGrowth(length);
        body((ids, starts, ends) => {
          for (let i = 0; i < length; i++) {
            made.ids.push(ids[i]!);
            made.starts.push(starts?.[i] ?? 0);
            made.ends.push(ends?.[i] ?? 0);
          }
        });
      } else if (addSpecialTokens) {
        made.ids.push(id);
        made.starts.push(0);
        made.ends.push(0);
      }
    }
    return made;
  }

  private plainBody(text: string, plain: Ranges | undefined): number[] {
    const ids: number[] = [];
    const skips = plain && plain.length > 0 ? skipsSpecial(plain, (at) => at) : null;
    const { normalizer, preTokenizer, model } = this;
    const words = (word: string, atStart: boolean) => {
      for (const piece of preTokenizer ? preTokenizer.plain([word], atStart) : [word])
        model.encode(piece, ids, null);
    };
    const normalize = (start: number, end: number) => {
      const part = start === 0 && end === text.length ? text : text.slice(start, end);
      const changed = normalizer ? normalizer.plain(part) : part;
      if (changed === '') return;
      if (this.normalized.isEmpty) return words(changed, start === 0);
      this.normalized.cut(
        changed,
        (from, to) => words(changed.slice(from, to), start === 0 && from === 0),
        ({ id }) => ids.push(id),
      );
    };
    if (this.raw.isEmpty) normalize(0, text.length);
    else this.raw.cut(text, normalize, ({ id }) => ids.push(id), skips);
    return ids;
  }

  /**
   * Like {@link trackedBody}, for texts where each unit stays in place and the words are contiguous, as with most
   * tokenizers: many times faster. Null for others.
   */
  private placedBody(text: string, plain: Ranges | undefined): TrackedIds | null {
    const { normalizer, preTokenizer, model } = this;
    if (this.needsTracking) return null;
    const made: TrackedIds = { ids: [], starts: [], ends: [] };
    const skips = plain && plain.length > 0 ? skipsSpecial(plain, (at) => at) : null;
    let isPlaced = true;
    const put = (id: number, start: number, end: number) => {
      made.ids.push(id);
      made.starts.push(start);
      made.ends.push(end);
    };
    const words = (part: string, offset: number) => {
      let at = 0;
      for (const word of preTokenizer ? preTokenizer.plain([part], offset === 0) : [part]) {
        isPlaced &&= part.startsWith(word, at);
        if (!isPlaced) return;
        const first = made.starts.length;
        model.encode(word, made.ids, made);
        for (let i = first; i < made.starts.length; i++) {
          made.starts[i]! += offset + at;
          made.ends[i]! += offset + at;
        }
        at += word.length;
      }
      isPlaced &&= at === part.length;
    };
    const between = (start: number, end: number) => {
      const part = text.slice(start, end);
      const changed = normalizer && isPlaced ? normalizer.plain(part) : part;
      isPlaced &&= changed === part || (normalizer?.keepsUnits === true && changed.length === part.length);
      if (!isPlaced) return;
      this.normalized.cut(
        changed,
        (from, to) => words(changed.slice(from, to), start + from),
        ({ id }, from, to) => put(id, start + from, start + to),
        skips && ((token, from, to) => skips(token, start + from, start + to)),
      );
    };
    this.raw.cut(text, between, ({ id }, start, end) => put(id, start, end), skips);
    return isPlaced ? made : null;
  }

  private trackedBody(text: string, plain: Ranges | undefined): TrackedIds {
    const made: TrackedIds = { ids: [], starts: [], ends: [] };
    const { preTokenizer, model } = this;
    const encode = (model.encodeBytes ?? model.encode).bind(model);
    const offsets: WordOffsets = { starts: [], ends: [] };
    this.segments(
      text,
      plain,
      (word) => {
        for (const piece of preTokenizer ? preTokenizer.tracked([word]) : [word]) {
          offsets.starts.length = offsets.ends.length = 0;
          encode(piece.text, made.ids, offsets);
          for (let i = 0; i < offsets.starts.length; i++) {
            const [start, end] = piece.originOf(offsets.starts[i]!, offsets.ends[i]!);
            made.starts.push(start);
            made.ends.push(end);
          }
        }
      },
      ({ id }, start, end) => {
        made.ids.push(id);
        made.starts.push(start);
        made.ends.push(end);
      },
    );
    return made;
  }

  /** The parts of a text between added tokens, normalized, and those tokens with their ranges, in order. */
  private segments(
    text: string,
    plain: Ranges | undefined,
    onText: (part: TrackedText) => void,
    onToken: (token: AddedToken, start: number, end: number) => void,
  ): void {
    if (text === '') return;
    const hasPlain = plain !== undefined && plain.length > 0;
    const raw = TrackedText.of(text, 0);
    const between = (start: number, end: number) => {
      const part = raw.slice(start, end);
      this.normalizer?.tracked(part);
      if (part.text === '') return;
      const inText = (at: number, isEnd: boolean) =>
        isEnd ? part.originOf(at - 1, at)[1] : part.originOf(at, at + 1)[0];
      this.normalized.cut(
        part.text,
        (from, to) => onText(part.slice(from, to)),
        (token, from, to) => onToken(token, ...part.originOf(from, to)),
        hasPlain ? skipsSpecial(plain, inText) : null,
      );
    };
    this.raw.cut(text, between, onToken, hasPlain ? skipsSpecial(plain, (at) => at) : null);
  }
}

/**
 * Returns a function that rejects special tokens overlapping a plain range; `toText` maps ranges to the original text.
 */
function skipsSpecial(plain: Ranges, toText: (at: number, isEnd: boolean) => number) {
  return (token: AddedToken, start: number, end: number): boolean => {
    if (!token.special) return false;
    const from = toText(start, false);
    const to = toText(end, true);
    return plain.some(([first, last]) => from < last && to > first);
  };
}
