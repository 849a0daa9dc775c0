import { intArgument, textArgument } from '../bind.ts';
import { spendCharacters, spendItems, spendScan, spendSteps } from '../budget.ts';
import { Dict } from '../dict.ts';
import { TemplateError, typeError, unsupported, valueError } from '../errors.ts';
import { each, len, truth, tryIterate } from '../iterate.ts';
import { dumps } from '../json.ts';
import { capitalize, lower, upper } from '../letters.ts';
import { escapeHtml, markup, softText } from '../markup.ts';
import { index } from '../numbers.ts';
import { binary } from '../operators.ts';
import { formatPercent } from '../percent.ts';
import { splitLines, splitRight, strip } from '../split.ts';
import { strMethod } from '../strMethods.ts';
import { characters, isSpace, join, lengthOf, SPACE_RUN } from '../text.ts';
import { isString, Markup, NO_KEYWORDS, textOf, Tuple, Undefined, type Value } from '../values.ts';
import { quote, str } from '../write.ts';
import { filter, type Applied } from './define.ts';
import { prettyPrint } from './pretty.ts';
import { wrapText } from './wrap.ts';

/** A method of str as a filter, preserving Markup. */
function method(name: string, value: Value, ...args: Value[]): Value {
  const run = strMethod(name);
  return run ? run(softText(value), args, NO_KEYWORDS) : null;
}

const WORD_START = new RegExp(`([-${SPACE_RUN.source.slice(1, -2)}({\\[<]+)`);

/** The title filter: words start after whitespace, hyphens and opening brackets. */
function titleWords(text: string): string {
  spendCharacters(text.length);
  spendSteps(4 * text.length);
  return text
    .split(WORD_START)
    .map((part) => {
      const [first = ''] = part;
      return upper(first) + lower(part.slice(first.length));
    })
    .join('');
}

function indent(value: Value, width: Value, first: boolean, blank: boolean): Value {
  const indention = isString(width) ? textOf(width) : ' '.repeat(Math.max(0, Math.min(index(width), 1e6)));
  if (!isString(value)) return textOf(binary('+', value, '\n') as string);
  const put = value instanceof Markup && isString(width) ? escapeHtml(width) : indention;
  const lines = splitLines(`${textOf(value)}\n`);
  spendCharacters(textOf(value).length + lines.length * (put.length + 1));
  let text = blank
    ? lines.join(`\n${put}`)
    : lines.map((line, i) => (i > 0 && line !== '' ? put + line : line)).join('\n');
  if (first) text = put + text;
  return value instanceof Markup ? new Markup(text) : text;
}

function truncate(value: Value, length: number, killWords: boolean, end: string, leeway: number): Value {
  if (length < lengthOf(end) || leeway < 0)
    throw new TemplateError('AssertionError', `expected length >= ${lengthOf(end)}, got ${length}`);
  if (len(value) <= length + leeway) return value;
  if (!isString(value)) throw typeError('truncate needs a text');
  const text = textOf(value);
  spendSteps(text.length);
  const all = characters(text);
  const cut = join(all.slice(0, length - lengthOf(end)) as string | string[]);
  const result = (killWords ? cut : (splitRight(cut, ' ', 1)[0] ?? '')) + end;
  return value instanceof Markup ? new Markup(result) : result;
}

function tojson(value: Value, ascii: Value, indentation: Value, separators: Value, sortKeys: Value): Value {
  const indented = indentation !== null;
  let [itemSeparator, keySeparator] = indented ? [',', ': '] : [', ', ': '];
  if (separators !== null) {
    const pair = [...each(separators)];
    if (pair.length !== 2) throw valueError('separators must be two texts');
    [itemSeparator, keySeparator] = pair.map((part) => textArgument(part, 'separator')) as [string, string];
  }
  return dumps(value, {
    ascii: truth(ascii),
    indent: !indented
      ? null
      : isString(indentation)
        ? textOf(indentation)
        : ' '.repeat(Math.max(0, Math.min(index(indentation), 1000))),
    itemSeparator,
    keySeparator,
    sortKeys: truth(sortKeys),
  });
}

function xmlAttributes(value: Value, space: boolean): Value {
  if (!(value instanceof Dict)) throw typeError('xmlattr needs a dict');
  const parts: string[] = [];
  for (const [key, item] of value.entries()) {
    if (item === null || item instanceof Undefined) continue;
    if (/[\s/>=]/.test(textArgument(key, 'attribute')))
      throw valueError(`Invalid character in attribute name: ${quote(str(key))}`);
    parts.push(`${escapeHtml(key)}="${escapeHtml(item)}"`);
  }
  const text = parts.join(' ');
  return space && text !== '' ? ` ${text}` : text;
}

/** urllib's quote, for UTF-8. */
function urlQuote(value: Value, query: boolean): string {
  spendCharacters(str(value).length);
  const quoted = encodeURIComponent(str(value)).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return query ? quoted.replaceAll('%20', '+') : quoted.replaceAll('%2F', '/');
}

function urlEncode(value: Value): string {
  if (!isString(value) && tryIterate(value)) {
    const pairs =
      value instanceof Dict ? [...value.entries()] : [...each(value)].map((pair) => [...each(pair)]);
    return pairs
      .map((pair) => {
        if (pair.length !== 2) throw valueError('urlencode needs pairs');
        return pair.map((part) => urlQuote(part, true)).join('=');
      })
      .join('&');
  }
  return urlQuote(value, false);
}

const WORD = /[\p{L}\p{N}_]+/gu;

export const textFilters: [string, Applied][] = [
  filter('upper', '', (value) => method('upper', value)),
  filter('lower', '', (value) => method('lower', value)),
  filter('capitalize', '', (value) => {
    if (value instanceof Markup) return method('capitalize', value);
    const text = textOf(softText(value));
    spendCharacters(text.length);
    return capitalize(text);
  }),
  filter('title', '', (value) => titleWords(textOf(softText(value)))),
  filter('trim', 'chars=', (value, chars = null) => {
    if (value instanceof Markup) return method('strip', value, chars);
    spendScan(textOf(softText(value)).length);
    return strip(textOf(softText(value)), chars === null ? null : textArgument(chars, 'strip arg'));
  }),
  filter('center', 'width=', (value, width = 80) => method('center', value, width)),
  filter('replace', 'old, new, count=', (value, old, by, count = null) => {
    const most = count === null ? -1 : index(count);
    const [text, from, to] = [value, old as Value, by as Value].map(str) as [string, string, string];
    return method('replace', text, from, to, most);
  }),
  filter('indent', 'width=, first=, blank=', (value, width = 4, first = false, blank = false) =>
    indent(value, width, truth(first), truth(blank)),
  ),
  filter(
    'truncate',
    'length=, killwords=, end=, leeway=',
    (value, length, killWords = false, end = '...', leeway = null) =>
      truncate(
        value,
        intArgument(length, 255),
        truth(killWords),
        textArgument(end, 'end'),
        leeway === null ? 5 : index(leeway),
      ),
  ),
  filter(
    'wordwrap',
    'width=, break_long_words=, wrapstring=, break_on_hyphens=',
    (value, width, breakLong = true, mark = null, hyphens = true) =>
      wrapText(textArgument(value, 'wordwrap'), {
        width: intArgument(width, 79),
        breakLong: truth(breakLong),
        hyphens: truth(hyphens),
        mark: mark === null ? '\n' : textArgument(mark, 'wrapstring'),
      }),
  ),
  filter('wordcount', '', (value) => {
    spendCharacters(textOf(softText(value)).length);
    spendSteps(textOf(softText(value)).length);
    return [...textOf(softText(value)).matchAll(WORD)].length;
  }),
  filter('string', '', (value) => softText(value)),
  filter('escape', '', (value) => markup(value)),
  filter('e', '', (value) => markup(value)),
  filter('forceescape', '', (value) => new Markup(escapeHtml(str(value)))),
  filter('safe', '', (value) => new Markup(str(value))),
  filter('striptags', '', (value) => stripTags(str(value))),
  filter(
    'tojson',
    'ensure_ascii=, indent=, separators=, sort_keys=',
    (value, ascii = false, indentation = null, separators = null, sortKeys = false) =>
      tojson(value, ascii, indentation, separators, sortKeys),
  ),
  filter('pprint', '', (value) => prettyPrint(value)),
  filter('urlencode', '', (value) => urlEncode(value)),
  filter('xmlattr', 'autospace=', (value, space = true) => xmlAttributes(value, truth(space))),
  filter('urlize', 'trim_url_limit=, nofollow=, target=, rel=, extra_schemes=', () => {
    throw unsupported('the filter urlize');
  }),
];

/**
 * Removes tags and comments and collapses whitespace. Entities would need HTML's whole table, so texts with one are
 * rejected.
 */
function stripTags(text: string): string {
  spendCharacters(text.length);
  let rest = text;
  const parts: string[] = [];
  for (let start = rest.indexOf('<'); start >= 0; start = rest.indexOf('<')) {
    const comment = rest.startsWith('<!--', start);
    const end = comment ? rest.indexOf('-->', start + 4) : rest.indexOf('>', start);
    if (end < 0) break;
    spendItems(1);
    parts.push(rest.slice(0, start));
    rest = rest.slice(end + (comment ? 3 : 1));
  }
  const bare = [...parts, rest].join('');
  const collapsed = [...bare.split(SPACE_RUN)].filter((part) => part !== '' && !isSpace(part)).join(' ');
  if (collapsed.includes('&')) throw unsupported('the filter striptags on HTML entities');
  return collapsed;
}

/** `text|format(…)`, with positional or keyword values. */
export const formatFilter: [string, Applied] = [
  'format',
  (value, args, keywords) => {
    if (args.length > 0 && keywords.size > 0)
      throw new TemplateError(
        'FilterArgumentError',
        "can't handle positional and keyword arguments at the same time",
      );
    return formatPercent(softText(value), keywords.size > 0 ? Dict.of(keywords) : new Tuple(args));
  },
];
