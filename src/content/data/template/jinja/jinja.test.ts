import { describe, expect, test } from 'vitest';
import { fixture } from '../../../../testing/tokenizers.ts';
import { TemplateError, Template } from './index.ts';
import { lengthOf } from './text.ts';

interface Reference {
  template: string;
  content: string;
  text?: string;
  spans?: [number, number][];
  error?: string;
}

/** JSON cannot represent the float 1.0 or an int beyond 2^53. */
const revive = (_: string, value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if ('$float' in value) return new Number(value.$float);
  return '$int' in value ? BigInt(value.$int as string) : value;
};
const { variables, templates } = JSON.parse(fixture('reference-templates.json'), revive) as {
  variables: Record<string, unknown>;
  templates: Reference[];
};
const now = new Date(2026, 0, 2, 3, 4, 5);

function render(template: string, given: Record<string, unknown> = {}): { text: string; spans: unknown[] } {
  const defaults = { tools: null, documents: null, add_generation_prompt: false };
  const tokens = { bos_token: '<s>', eos_token: '</s>', pad_token: '<pad>' };
  const size = { length: 100, messages: 1 };
  return new Template(template).render({ ...defaults, ...tokens, ...given }, { now, size });
}

const textOf = (template: string, content = '') =>
  render(template, { messages: [{ role: 'user', content }], content }).text;

function errorOf(template: string, content?: string): TemplateError {
  try {
    textOf(template, content);
  } catch (error) {
    if (error instanceof TemplateError) return error;
    throw error;
  }
  throw new Error(`${template} renders`);
}

test('renders small templates like transformers', () => {
  expect(templates.length).toBeGreaterThan(300);
  const alone: string[] = [];
  for (const { template, content, text, spans, error } of templates) {
    const given = { ...variables, messages: [{ role: 'user', content }], content };
    let result: ReturnType<typeof render> | null = null;
    try {
      result = render(template, given);
    } catch (thrown) {
      if (!(thrown instanceof TemplateError)) throw thrown;
      if (error === undefined) alone.push(`${template}: ${thrown.message}`);
    }
    if (result === null) continue;
    expect([template, content, result.text]).toEqual([template, content, error ?? text]);
    const length = lengthOf(result.text);
    const within = (spans ?? []).map(([start, end]) => ({
      start: Math.min(start, length),
      end: Math.min(end, length),
    }));
    if (template.includes('{% generation')) expect([template, result.spans]).toEqual([template, within]);
  }
  // Values whose text in Python we cannot reproduce.
  expect(alone.filter((line) => !line.includes('encode'))).toEqual([]);
});

test.each(
  JSON.parse(fixture('template-pairs.json')) as {
    template: string;
    content: string;
    right: string;
  }[],
)('$template', ({ template, content, right }) => {
  if (right === 'TypeError') expect(errorOf(template, content).kind).toBe(right);
  else expect(textOf(template, content)).toBe(right);
});

describe('limits', () => {
  test.each([
    ['loops', '{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}', 'steps'],
    [
      'filtered loops',
      '{% for a in range(99999) %}{% for b in range(99999) if false %}{% endfor %}{% endfor %}',
      'steps',
    ],
    [
      'a text step by step',
      "{% set n = namespace(s='') %}{% for a in range(99999) %}{% set n.s = n.s ~ 'aaaaaaaaaaaaaaaa' %}{% endfor %}",
      'characters',
    ],
    [
      'a long text again and again',
      "{% set s = 'a' * 9999999 %}{% for a in range(99999) %}{% set y = s|upper|length %}{% endfor %}",
      'steps',
    ],
    [
      'a long text looked through',
      "{% set s = 'a' * 9999999 %}{% for a in range(99999) %}{% set y = 'b' in s %}{% endfor %}",
      'steps',
    ],
    [
      'many lists',
      '{% set n = namespace(x=[]) %}{% for a in range(9999) %}{% set n.x = [n.x, range(99999)|list] %}{% endfor %}',
      'items',
    ],
    [
      'shared lists',
      '{% set n = namespace(x=[1]) %}{% for a in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x|tojson }}',
      'characters',
    ],
    ['a long range', '{{ range(100001) }}', 'too long'],
    ['macros', '{% macro f(g) %}{{ g(g) }}{% endmacro %}{{ f(f) }}', 'levels deep'],
    ['recursive loops', '{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}', 'levels deep'],
    ['parentheses', `{{ ${'('.repeat(99999)}1${')'.repeat(99999)} }}`, 'stack'],
    [
      'numbers',
      '{% set n = namespace(x=3) %}{% for a in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}',
      'bits',
    ],
    ['powers', '{{ 10 ** 999999 }}', 'bits'],
    ['wide fields', "{{ '%9999999d' % 1 }}", 'wide'],
    ['digits', "{{ '{:.99999}'.format(1.5) }}", 'digits'],
  ])('%s', (_name, template, what) => {
    const error = errorOf(template);
    expect([error.kind, error.message]).toEqual(['limit', expect.stringContaining(what)]);
  });

  test('scale with the conversation', () => {
    const pairs = '{% for a in messages %}{% for b in messages %}{% endfor %}{% endfor %}done';
    const messages = Array.from({ length: 2500 }, () => ({ role: 'user', content: 'a' }));
    const size = { length: 40_000, messages: messages.length };
    expect(new Template(pairs).render({ messages }, { now, size }).text).toBe('done');
  });
});

describe('unsupported features are named', () => {
  test.each([
    ['{% do messages.append(1) %}', 'TemplateSyntaxError', 'do'],
    ["{% include 'x' %}", 'unsupported', 'include'],
    ["{% extends 'x' %}", 'unsupported', 'extends'],
    ['{{ messages.append(1) }}', 'SecurityError', 'append'],
    ['{{ nothing.x }}', 'UndefinedError', 'nothing'],
    ['{{ lipsum() }}', 'unsupported', 'lipsum'],
    ['{{ [1]|random }}', 'unsupported', 'random'],
    ["{{ 'a'|nosuch }}", 'TemplateSyntaxError', 'nosuch'],
    ["{{ 'a'.upper }}", 'unsupported', 'upper'],
    ["{{ 'a' + 1 }}", 'TypeError', "'str' and 'int'"],
    ["{{ raise_exception('No ' ~ 1) }}", 'raised', 'No 1'],
  ])('%s', (template, kind, what) => {
    const error = errorOf(template);
    expect([error.kind, error.message]).toEqual([kind, expect.stringContaining(what)]);
  });
});

test('values have Python’s types', () => {
  const given = {
    i: 1,
    f: new Number(1),
    big: 2n ** 64n,
    n: 0.5,
    list: [true, null],
    d: { b: 1, a: undefined },
  };
  const text = '{{ i }} {{ f }} {{ big }} {{ n }} {{ list }} {{ d }} {{ i == f }} {{ big + 1 }}';
  expect(render(text, given).text).toBe(
    "1 1.0 18446744073709551616 0.5 [True, None] {'b': 1} True 18446744073709551617",
  );
});
