/**
 * Regular expressions of Python's `re`, matched in time that grows with pattern × text, with look-aheads × text once more:
 * adapters come from strangers, and a backtracking matcher can be kept busy for hours. Groups capture nothing. Look-behind, references to groups, flags and
 * atomic groups are not supported.
 */
export interface PythonRegex {
  /** `re.fullmatch(pattern, text)` */
  fullmatch(text: string): boolean;
}

/** States of a compiled pattern; repeats are written out, so that a short pattern could stand for very many. */
const MAX_STATES = 20_000;

/** Groups inside groups: the parser calls itself for each. */
const MAX_DEPTH = 100;

type Test = (char: string) => boolean;

/** A state: takes a character, checks a position, goes two ways, or is the end. */
type State =
  | { kind: 'char'; test: Test; next: number }
  | { kind: 'split'; next: number; other: number }
  | { kind: 'at'; check: (text: readonly string[], at: number) => boolean; next: number }
  | { kind: 'ahead'; start: number; negated: boolean; next: number }
  | { kind: 'end' };

/** A piece of the program before its continuation is known. */
type Part = (next: number) => number;

/** Compiles a pattern. Throws `RegexError` for one that is wrong, or not supported. */
export function compilePythonRegex(pattern: string): PythonRegex {
  const compiler = new Compiler(pattern);
  const { states, start } = compiler.compile();
  return {
    fullmatch: (text) => {
      const chars = [...text];
      return endsOf(states, start, chars, 0, new Map()).has(chars.length);
    },
  };
}

/** Why a pattern cannot be used: it is wrong, uses what is not supported, or stands for too much. */
export class RegexError extends Error {
  readonly reason: 'wrong' | 'unknown' | 'large';

  constructor(reason: RegexError['reason']) {
    super(reason);
    this.reason = reason;
  }
}

/** What is wrong with a pattern, for errors. */
export const regexProblems: Record<RegexError['reason'], string> = {
  wrong: 'it is not a regular expression',
  unknown: 'it uses Python regular expression syntax that Graft does not support',
  large: 'it expands too far',
};

/** Where a match that begins at `from` may end. @param seen what look-aheads have found, by state and position */
function endsOf(
  states: readonly State[],
  start: number,
  text: readonly string[],
  from: number,
  seen: Map<string, boolean>,
): Set<number> {
  const ends = new Set<number>();
  let current = new Set<number>();
  const follow = (into: Set<number>, first: number, at: number): void => {
    const waiting = [first];
    while (waiting.length > 0) {
      const id = waiting.pop()!;
      if (into.has(id)) continue;
      into.add(id);
      const state = states[id]!;
      if (state.kind === 'split') waiting.push(state.next, state.other);
      else if (state.kind === 'end') ends.add(at);
      else if (state.kind === 'at' && state.check(text, at)) waiting.push(state.next);
      else if (state.kind === 'ahead') {
        const key = `${state.start} ${at}`;
        let found = seen.get(key);
        if (found === undefined) {
          found = endsOf(states, state.start, text, at, seen).size > 0;
          seen.set(key, found);
        }
        if (found !== state.negated) waiting.push(state.next);
      }
    }
  };
  follow(current, start, from);
  for (let at = from; at < text.length && current.size > 0; at++) {
    const after = new Set<number>();
    for (const id of current) {
      const state = states[id]!;
      if (state.kind === 'char' && state.test(text[at]!)) follow(after, state.next, at + 1);
    }
    current = after;
  }
  return ends;
}

const isDigit: Test = (char) => /^\p{Nd}$/u.test(char);
const isWord: Test = (char) => /^[\p{L}\p{N}_]$/u.test(char);
/** What Python's `str.isspace` has beyond JavaScript's \s: the separators of ASCII, and U+0085. */
const MORE_SPACES = [0x1c, 0x1d, 0x1e, 0x1f, 0x85];
const isSpace: Test = (char) =>
  (/^\s$/u.test(char) && char !== '\ufeff') || MORE_SPACES.includes(char.codePointAt(0)!);
const not =
  (test: Test): Test =>
  (char) =>
    !test(char);

const CLASSES: Record<string, Test> = {
  d: isDigit,
  D: not(isDigit),
  w: isWord,
  W: not(isWord),
  s: isSpace,
  S: not(isSpace),
};
const CONTROLS: Record<string, string> = { n: '\n', t: '\t', r: '\r', f: '\f', v: '\v', a: '\x07' };

class Compiler {
  readonly #chars: string[];
  readonly #states: State[] = [{ kind: 'end' }];
  #at = 0;
  #depth = 0;
  #repeats = 0;

  constructor(pattern: string) {
    this.#chars = [...pattern];
  }

  compile(): { states: State[]; start: number } {
    const part = this.#alternatives();
    if (this.#at < this.#chars.length) throw new RegexError('wrong');
    return { states: this.#states, start: part(0) };
  }

  #add(state: State): number {
    if (this.#states.length >= MAX_STATES) throw new RegexError('large');
    return this.#states.push(state) - 1;
  }

  #peek(text: string): boolean {
    return [...text].every((char, i) => this.#chars[this.#at + i] === char);
  }

  #take(text: string): boolean {
    if (!this.#peek(text)) return false;
    this.#at += text.length;
    return true;
  }

  #alternatives(): Part {
    if (++this.#depth > MAX_DEPTH) throw new RegexError('large');
    const parts = [this.#sequence()];
    while (this.#take('|')) parts.push(this.#sequence());
    this.#depth -= 1;
    return (next) =>
      parts
        .map((part) => part(next))
        .reduceRight((other, start) => this.#add({ kind: 'split', next: start, other }));
  }

  #sequence(): Part {
    const parts: Part[] = [];
    while (this.#at < this.#chars.length && !this.#peek('|') && !this.#peek(')')) {
      parts.push(this.#repeated(this.#atom()));
    }
    return (next) => parts.reduceRight((after, part) => part(after), next);
  }

  #repeated(part: Part): Part {
    const range = this.#quantifier();
    if (!range) return part;
    // Whether it takes much or little first is no matter for whether it matches.
    if (!this.#take('?') && this.#peek('+')) throw new RegexError('unknown');
    if (this.#quantifier()) throw new RegexError('wrong');
    const { least, most } = range;
    return (next) => {
      let start = next;
      // Repeats of what is empty add no states, yet repeats of those repeats are work.
      this.#repeats += most === Infinity ? least : most;
      if (this.#repeats > MAX_STATES) throw new RegexError('large');
      if (most === Infinity) {
        const loop = this.#add({ kind: 'split', next: 0, other: next });
        const body = part(loop);
        this.#states[loop] = { kind: 'split', next: body, other: next };
        start = loop;
      } else {
        for (let i = least; i < most; i++)
          start = this.#add({ kind: 'split', next: part(start), other: next });
      }
      for (let i = 0; i < least; i++) start = part(start);
      return start;
    };
  }

  #quantifier(): { least: number; most: number } | null {
    if (this.#take('*')) return { least: 0, most: Infinity };
    if (this.#take('+')) return { least: 1, most: Infinity };
    if (this.#take('?')) return { least: 0, most: 1 };
    const counts = /^\{(\d*)(,?)(\d*)\}/.exec(this.#chars.slice(this.#at, this.#at + 24).join(''));
    // As in Python, braces that hold no count are themselves.
    if (!counts || (counts[1] === '' && counts[2] === '')) return null;
    this.#at += counts[0].length;
    const least = Number(counts[1]);
    const most = counts[2] === '' ? least : counts[3] === '' ? Infinity : Number(counts[3]);
    if (most < least || least > MAX_STATES) throw new RegexError('wrong');
    return { least, most };
  }

  #atom(): Part {
    const char = this.#chars[this.#at++]!;
    if (char === '(') return this.#group();
    if (char === '[') return this.#charPart(this.#set());
    if (char === '\\') return this.#escape();
    if (char === '.') return this.#charPart((c) => c !== '\n');
    if (char === '^') return this.#assertion((_, at) => at === 0);
    if (char === '$') return this.#assertion(atEnd);
    if ('*+?'.includes(char)) throw new RegexError('wrong');
    return this.#charPart((c) => c === char);
  }

  #charPart(test: Test): Part {
    return (next) => this.#add({ kind: 'char', test, next });
  }

  #assertion(check: (text: readonly string[], at: number) => boolean): Part {
    return (next) => this.#add({ kind: 'at', check, next });
  }

  #group(): Part {
    let ahead: { negated: boolean } | null = null;
    if (this.#take('?')) {
      if (this.#take('=')) ahead = { negated: false };
      else if (this.#take('!')) ahead = { negated: true };
      else if (this.#take('P<')) this.#skipName();
      else if (!this.#take(':')) throw new RegexError('unknown');
    }
    const part = this.#alternatives();
    if (!this.#take(')')) throw new RegexError('wrong');
    if (!ahead) return part;
    const { negated } = ahead;
    return (next) => this.#add({ kind: 'ahead', start: part(0), negated, next });
  }

  #skipName(): void {
    while (this.#at < this.#chars.length && !this.#peek('>')) this.#at += 1;
    if (!this.#take('>')) throw new RegexError('wrong');
  }

  #escape(): Part {
    const char = this.#chars[this.#at++];
    if (char === 'b' || char === 'B') {
      const wanted = char === 'b';
      return this.#assertion((text, at) => {
        const [before, after] = [text[at - 1], text[at]];
        const edge = (before !== undefined && isWord(before)) !== (after !== undefined && isWord(after));
        return edge === wanted;
      });
    }
    if (char === 'A') return this.#assertion((_, at) => at === 0);
    if (char === 'Z' || char === 'z') return this.#assertion((text, at) => at === text.length);
    return this.#charPart(this.#escaped(char));
  }

  #escaped(char: string | undefined): Test {
    if (char === undefined) throw new RegexError('wrong');
    const known = CLASSES[char];
    if (known) return known;
    const control = CONTROLS[char];
    if (control !== undefined) return (c) => c === control;
    // A digit refers to a group, and Python refuses letters that it gives no meaning.
    if (/[0-9a-zA-Z]/.test(char)) throw new RegexError('unknown');
    return (c) => c === char;
  }

  #set(): Test {
    const negated = this.#take('^');
    const tests: Test[] = [];
    for (let first = true; first || !this.#peek(']'); first = false) {
      const low = this.#setMember();
      if (typeof low === 'string' && this.#peek('-') && this.#chars[this.#at + 1] !== ']') {
        this.#at += 1;
        const high = this.#setMember();
        if (typeof high !== 'string' || high.codePointAt(0)! < low.codePointAt(0)!) {
          throw new RegexError('wrong');
        }
        const [from, to] = [low.codePointAt(0)!, high.codePointAt(0)!];
        tests.push((c) => c.codePointAt(0)! >= from && c.codePointAt(0)! <= to);
      } else {
        tests.push(typeof low === 'string' ? (c) => c === low : low);
      }
    }
    this.#at += 1;
    return (char) => tests.some((test) => test(char)) !== negated;
  }

  #setMember(): string | Test {
    const char = this.#chars[this.#at++];
    if (char === undefined) throw new RegexError('wrong');
    if (char !== '\\') return char;
    const escaped = this.#chars[this.#at++];
    if (escaped === 'b') return '\b';
    const control = escaped === undefined ? undefined : CONTROLS[escaped];
    if (control !== undefined) return control;
    if (escaped !== undefined && !/[0-9a-zA-Z]/.test(escaped)) return escaped;
    return this.#escaped(escaped);
  }
}

/** Python's `$`: the end, or before a line break that ends the text. */
function atEnd(text: readonly string[], at: number): boolean {
  return at === text.length || (at === text.length - 1 && text[at] === '\n');
}
