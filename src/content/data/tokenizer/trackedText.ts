/**
 * A piece of text that passes through normalizers and pre-tokenizers and tracks the origin of each of its UTF-16 units.
 * Follows NormalizedString of Rust's `tokenizers`, quirks included, since ids depend on some of them.
 */
export class TrackedText {
  private constructor(
    public text: string,
    /** [units of text] the range of the original text that each unit came from, in UTF-16 units. */
    public starts: number[],
    public ends: number[],
    /** Start of the piece in the original text, and the length it covers. */
    readonly origin: number,
    private readonly size: number,
  ) {}

  /** Unchanged text that starts at `origin`. */
  static of(text: string, origin: number): TrackedText {
    const starts = new Array<number>(text.length);
    const ends = new Array<number>(text.length);
    for (let i = 0; i < text.length;) {
      const next = i + unitsAt(text, i);
      for (let unit = i; unit < next; unit++) {
        starts[unit] = origin + i;
        ends[unit] = origin + next;
      }
      i = next;
    }
    return new TrackedText(text, starts, ends, origin, text.length);
  }

  /** The piece text[start, end); not for empty ranges. */
  slice(start: number, end: number): TrackedText {
    const from = this.starts[start]!;
    const size = Math.max(0, this.ends[end - 1]! - from);
    return new TrackedText(
      this.text.slice(start, end),
      this.starts.slice(start, end),
      this.ends.slice(start, end),
      from,
      size,
    );
  }

  /** The range of the original text that text[start, end) came from. */
  originOf(start: number, end: number): [start: number, end: number] {
    return [this.starts[start] ?? this.origin, this.ends[end - 1] ?? this.origin];
  }

  /**
   * Replaces the text by `chars`. `changes[i]` aligns char i with the old text: 0 replaces the next character, 1 is
   * new, −n replaces one and removes the n after it. The first `removed` characters are dropped.
   */
  transform(chars: readonly string[], changes: readonly number[], removed = 0): void {
    let first = 0;
    if (this.size > 0) {
      while (first < this.text.length && this.starts[first] === this.ends[first]) first++;
      if (first === this.text.length && first > 0) return this.splice(first, first, chars, changes, removed);
    }
    this.splice(first, this.size > 0 ? this.text.length : 0, chars, changes, removed);
  }

  /** Prepends `content`. */
  prepend(content: string): void {
    if (this.text === '') return;
    const next = this.text.slice(0, unitsAt(this.text, 0));
    const chars = [...Array.from(content), next];
    const changes = chars.map((_, i) => (i === 0 && chars.length > 1 ? 0 : 1));
    this.splice(0, next.length, chars, changes, 0);
  }

  /** Replaces the ranges `matches` ([start, end) each, flat and ascending) by `content`. */
  replace(matches: readonly number[], content: string): void {
    const starts: number[] = [];
    const ends: number[] = [];
    let text = '';
    let last = 0;
    const copy = (to: number) => {
      text += this.text.slice(last, to);
      for (let i = last; i < to; i++) {
        starts.push(this.starts[i]!);
        ends.push(this.ends[i]!);
      }
    };
    for (let i = 0; i < matches.length; i += 2) {
      const end = matches[i + 1]!;
      copy(matches[i]!);
      text += content;
      for (let unit = 0; unit < content.length; unit++) {
        starts.push(end < 1 ? this.origin : this.starts[end - 1]!);
        ends.push(end < 1 ? this.origin : this.ends[end - 1]!);
      }
      last = end;
    }
    copy(this.text.length);
    this.text = text;
    this.starts = starts;
    this.ends = ends;
  }

  private splice(
    from: number,
    to: number,
    chars: readonly string[],
    changes: readonly number[],
    removed: number,
  ): void {
    const starts: number[] = [];
    const ends: number[] = [];
    // Two walks over the old text: where the next character is replaced, and what the new one is aligned with.
    let at = from;
    const skip = (count: number) => {
      const before = at;
      for (let i = 0; i < count && at < to; i++) at += unitsAt(this.text, at);
      return at - before;
    };
    let offset = from + skip(removed);
    for (const [i, char] of chars.entries()) {
      const change = changes[i]!;
      const source = change > 0 ? offset - 1 : offset;
      const start = this.starts[source] ?? this.origin;
      const end = this.ends[source] ?? this.origin;
      for (let unit = 0; unit < char.length; unit++) {
        starts.push(start);
        ends.push(end);
      }
      if (change <= 0) offset += skip(1 - change);
    }
    this.text = this.text.slice(0, from) + chars.join('') + this.text.slice(to);
    this.starts = this.starts.slice(0, from).concat(starts, this.starts.slice(to));
    this.ends = this.ends.slice(0, from).concat(ends, this.ends.slice(to));
  }
}

/** UTF-16 units of the character at `index`. */
export function unitsAt(text: string, index: number): number {
  const unit = text.charCodeAt(index);
  return unit >= 0xd800 && unit < 0xdc00 && index + 1 < text.length ? 2 : 1;
}
