import { bind, intArgument, signature, textArgument } from './bind.ts';
import { spendCharacters, spendItems, spendScan, spendSteps } from './budget.ts';
import { typeError, unsupported, valueError } from './errors.ts';
import { each, truth } from './iterate.ts';
import {
  capitalize,
  caseFold,
  isIdentifier,
  isPrintable,
  lower,
  PREDICATES,
  swapCase,
  title,
  upper,
} from './letters.ts';
import { escapeHtml } from './markup.ts';
import { replace, split, splitLines, splitRight, strip } from './split.ts';
import { characters, hasPairs, join, lengthOf, offsetOf, pointOf, SPACE } from './text.ts';
import { isString, Markup, textOf, Tuple, typeName, type Keywords, type Value } from './values.ts';

type Method = (self: string | Markup, args: (Value | undefined)[]) => Value;
type TextMethod = (text: string, args: (Value | undefined)[]) => Value;

const methods = new Map<string, { parameters: ReturnType<typeof signature>; run: Method }>();

function define(name: string, parameters: string, run: Method): void {
  methods.set(name, { parameters: signature(name, parameters), run });
}

/** A method that returns Markup for Markup. */
function text(name: string, parameters: string, run: TextMethod): void {
  define(name, parameters, (self, args) => {
    const result = run(textOf(self), args);
    return self instanceof Markup ? marked(result) : result;
  });
}

function marked(value: Value): Value {
  if (typeof value === 'string') return new Markup(value);
  if (Array.isArray(value)) return value.map(marked);
  return value instanceof Tuple ? new Tuple(value.items.map(marked)) : value;
}

/** The named method of str; undefined if there is none (the caller handles format and format_map). */
export function strMethod(
  name: string,
): ((self: string | Markup, args: readonly Value[], keywords: Keywords) => Value) | undefined {
  const method = methods.get(name);
  return (
    method &&
    ((self, args, keywords) => {
      spendScan(textOf(self).length);
      return method.run(self, bind(method.parameters, args, keywords));
    })
  );
}

for (const [name, change] of Object.entries({
  upper,
  lower,
  title,
  capitalize,
  swapcase: swapCase,
  casefold: caseFold,
})) {
  text(name, '', (self) => {
    spendCharacters(self.length);
    // These scan character by character.
    if (name !== 'upper' && name !== 'lower') spendSteps(self.length >> 1);
    return change(self);
  });
}

const optionalText = (value: Value | undefined, what: string): string | null =>
  value === undefined || value === null ? null : textArgument(value, what);

for (const [name, sides] of [
  ['strip', 'both'],
  ['lstrip', 'left'],
  ['rstrip', 'right'],
] as const) {
  text(name, 'chars=, /', (self, [chars]) => strip(self, optionalText(chars, `${name} arg`), sides));
}

text('split', 'sep=, maxsplit=', (self, [sep, most]) =>
  split(self, optionalText(sep, 'separator'), intArgument(most, -1)),
);
text('rsplit', 'sep=, maxsplit=', (self, [sep, most]) =>
  splitRight(self, optionalText(sep, 'separator'), intArgument(most, -1)),
);
text('splitlines', 'keepends=', (self, [keep]) => splitLines(self, keep !== undefined && truth(keep)));

function separatorOf(value: Value | undefined): string {
  const separator = textArgument(value, 'separator');
  if (separator === '') throw valueError('empty separator');
  return separator;
}

text('partition', 'sep, /', (self, [sep]) => {
  const separator = separatorOf(sep);
  const at = self.indexOf(separator);
  return new Tuple(
    at < 0 ? [self, '', ''] : [self.slice(0, at), separator, self.slice(at + separator.length)],
  );
});
text('rpartition', 'sep, /', (self, [sep]) => {
  const separator = separatorOf(sep);
  const at = self.lastIndexOf(separator);
  return new Tuple(
    at < 0 ? ['', '', self] : [self.slice(0, at), separator, self.slice(at + separator.length)],
  );
});
text('removeprefix', 'prefix, /', (self, [prefix]) => {
  const start = textArgument(prefix, 'prefix');
  return self.startsWith(start) ? self.slice(start.length) : self;
});
text('removesuffix', 'suffix, /', (self, [suffix]) => {
  const end = textArgument(suffix, 'suffix');
  return end !== '' && self.endsWith(end) ? self.slice(0, -end.length) : self;
});

define('replace', 'old, new, count=, /', (self, [old, by, count]) => {
  const [from, to] = [textArgument(old, 'replace() argument 1'), textArgument(by, 'replace() argument 2')];
  const put = self instanceof Markup ? escapeHtml(by as Value) : to;
  const before = textOf(self);
  spendCharacters(before.length);
  // Maximum length of the result: every position between two characters, or every occurrence.
  const times = countOf(before, from);
  spendSteps(times);
  if (put.length > from.length) spendCharacters(times * (put.length - from.length));
  const result = replace(before, from, put, intArgument(count, -1));
  return self instanceof Markup ? new Markup(result) : result;
});

define('join', 'iterable, /', (self, [items]) => {
  const parts: string[] = [];
  let i = 0;
  for (const item of each(items as Value)) {
    if (!isString(item) && !(self instanceof Markup))
      throw typeError(`sequence item ${i}: expected str instance, ${typeName(item)} found`);
    spendItems(1);
    parts.push(self instanceof Markup ? escapeHtml(item) : textOf(item as string));
    i++;
  }
  spendCharacters(
    parts.reduce((sum, part) => sum + part.length, 0) + textOf(self).length * Math.max(0, parts.length - 1),
  );
  const result = parts.join(textOf(self));
  return self instanceof Markup ? new Markup(result) : result;
});

/** Maximum width for padding. */
const widthOf = (value: Value | undefined): number => {
  const width = intArgument(value, 0);
  spendCharacters(Math.max(0, width));
  return width;
};

for (const [name, leftOf] of [
  ['ljust', () => 0],
  ['rjust', (room: number) => room],
  ['center', (room: number, width: number) => Math.floor(room / 2) + (room & width & 1)],
] as const) {
  define(name, 'width, fillchar=, /', (self, [width, fill]) => {
    const char = fill === undefined ? ' ' : textArgument(fill, 'The fill character');
    const put = self instanceof Markup && fill !== undefined ? escapeHtml(fill) : char;
    if (lengthOf(put) !== 1) throw typeError('The fill character must be exactly one character long');
    const wide = widthOf(width);
    const room = Math.max(0, wide - lengthOf(textOf(self)));
    const left = (leftOf as (room: number, width: number) => number)(room, wide);
    const result = put.repeat(left) + textOf(self) + put.repeat(room - left);
    return self instanceof Markup ? new Markup(result) : result;
  });
}

text('zfill', 'width, /', (self, [width]) => {
  const room = Math.max(0, widthOf(width) - lengthOf(self));
  const sign = /^[+-]/.exec(self)?.[0] ?? '';
  return room === 0 ? self : sign + '0'.repeat(room) + self.slice(sign.length);
});

text('expandtabs', 'tabsize=', (self, [size]) => {
  const tab = intArgument(size, 8);
  let column = 0;
  let result = '';
  for (const char of self) {
    if (char === '\t') {
      const room = tab > 0 ? tab - (column % tab) : 0;
      spendCharacters(room);
      result += ' '.repeat(room);
      column += room;
    } else {
      result += char;
      column = char === '\n' || char === '\r' ? 0 : column + 1;
    }
  }
  return result;
});

/** The part of a text from `start` to `end` (code points, negative from the end), and its UTF-16 offset. */
function range(
  self: string,
  start: Value | undefined,
  end: Value | undefined,
): { part: string; from: number; empty: boolean } {
  const length = lengthOf(self);
  const resolve = (value: Value | undefined, otherwise: number) => {
    const at = value === null ? otherwise : intArgument(value, otherwise);
    return at < 0 ? Math.max(0, at + length) : at;
  };
  const [first, last] = [resolve(start, 0), Math.min(length, resolve(end, length))];
  if (first > last) return { part: '', from: 0, empty: true };
  const from = offsetOf(self, first);
  return { part: self.slice(from, offsetOf(self, last)), from, empty: false };
}

for (const name of ['find', 'rfind', 'index', 'rindex'] as const) {
  define(name, 'sub, start=, end=, /', (self, [sub, start, end]) => {
    const whole = textOf(self);
    const { part, from, empty } = range(whole, start, end);
    const wanted = textArgument(sub, `${name}() argument 1`);
    const at = empty ? -1 : name.startsWith('r') ? part.lastIndexOf(wanted) : part.indexOf(wanted);
    if (at < 0 && name.endsWith('index')) throw valueError('substring not found');
    return at < 0 ? -1 : pointOf(whole, from + at);
  });
}

function countOf(whole: string, wanted: string): number {
  if (wanted === '') return lengthOf(whole) + 1;
  let count = 0;
  for (let at = whole.indexOf(wanted); at >= 0; at = whole.indexOf(wanted, at + wanted.length)) count++;
  return count;
}

define('count', 'sub, start=, end=, /', (self, [sub, start, end]) => {
  const { part, empty } = range(textOf(self), start, end);
  return empty ? 0 : countOf(part, textArgument(sub, 'count() argument 1'));
});

for (const name of ['startswith', 'endswith'] as const) {
  define(name, 'prefix, start=, end=, /', (self, [wanted, start, end]) => {
    const { part, empty } = range(textOf(self), start, end);
    const options = wanted instanceof Tuple ? wanted.items : [wanted as Value];
    return options.some((option) => {
      if (!isString(option))
        throw typeError(`${name} first arg must be str or a tuple of str, not ${typeName(option)}`);
      return (
        !empty && (name === 'startswith' ? part.startsWith(textOf(option)) : part.endsWith(textOf(option)))
      );
    });
  });
}

for (const [name, holds] of Object.entries(PREDICATES)) {
  define(name, '', (self) => {
    spendSteps(textOf(self).length >> 1);
    return textOf(self) !== '' && holds(textOf(self));
  });
}
define('isspace', '', (self) => SPACE.test(textOf(self)));
define('isascii', '', (self) => !/[^\0-\x7f]/.test(textOf(self)));
define('isprintable', '', (self) => {
  spendSteps(textOf(self).length >> 1);
  for (const char of textOf(self)) if (!isPrintable(char)) return false;
  return true;
});
define('isidentifier', '', (self) => isIdentifier(textOf(self)));

for (const name of ['encode', 'translate', 'maketrans']) {
  define(name, 'first=, second=, third=', () => {
    throw unsupported(`the method ${name} of texts`);
  });
}

/** text[start:stop:step] */
export function sliceText(self: string, start: number, stop: number, step: number): string {
  const all = characters(self);
  if (step === 1)
    return hasPairs(self)
      ? join(all.slice(start, stop) as string[])
      : self.slice(start, Math.max(start, stop));
  const result: string[] = [];
  for (let i = start; step > 0 ? i < stop : i > stop; i += step) result.push(all[i] as string);
  return result.join('');
}
