import type { ErrorCode } from '../base/lib/errors.ts';
import type { HostileProgram } from './hostilePrograms.ts';

/** A template that builds a value in steps, which `ns.x` holds. */
const grown = (start: string, step: string, times: number, then = '') =>
  `{% set ns = namespace(x=${start}) %}{% for i in range(${times}) %}{% set ns.x = ${step} %}{% endfor %}${then}`;

const ofTemplate = (
  name: string,
  detail: string,
  source: string,
  code: ErrorCode = 'data.template_invalid',
) => ({
  name,
  template: source,
  code,
  detail,
});

const nested = (levels: number, body = '') =>
  '{% for i in range(99999) %}'.repeat(levels) + body + '{% endfor %}'.repeat(levels);

export const hostileTemplates: readonly HostileProgram[] = [
  ofTemplate('loops with empty bodies', 'steps', nested(2)),
  ofTemplate('four loops inside each other', 'steps', nested(4, '{% set a = i %}')),
  ofTemplate(
    'a loop with a condition that is never true',
    'steps',
    '{% for i in range(99999) %}{% for k in range(99999) if false %}{% endfor %}{% endfor %}',
  ),
  ofTemplate('a range of 10^9', 'too long', '{{ range(1000000000) }}'),
  ofTemplate(
    'many ranges as lists',
    'items',
    '{% for i in range(99999) %}{% set x = range(99999) | list %}{% endfor %}',
  ),
  ofTemplate('many lists kept', 'items', grown('[]', 'ns.x + [range(99999) | list]', 99999)),
  ofTemplate('a text that doubles by ~', 'characters', grown("'ab'", 'ns.x ~ ns.x', 60)),
  ofTemplate('a text that doubles by +', 'characters', grown("'ab'", 'ns.x + ns.x', 60)),
  ofTemplate('a text times a number', 'characters', "{{ 'ab' * 999999999 }}"),
  ofTemplate('a list times a number', 'items', '{{ [1, 2] * 999999999 }}'),
  ofTemplate(
    'a long text copied step by step',
    'characters',
    `{% set a = 'a' * 1000000 %}${nested(2, "{% set b = a ~ 'b' %}")}`,
  ),
  ofTemplate('a list that doubles', 'items', grown('[1]', 'ns.x + ns.x', 60)),
  ofTemplate(
    'a list that holds itself twice, written as JSON',
    'characters',
    grown('[1]', '[ns.x, ns.x]', 40, '{{ ns.x | tojson }}'),
  ),
  ofTemplate('the same printed', 'characters', grown('[1]', '[ns.x, ns.x]', 40, '{{ ns.x }}')),
  ofTemplate(
    'the same compared',
    'steps',
    grown(
      '[1]',
      '[ns.x, ns.x]',
      40,
      `${grown('[1]', '[ns.x, ns.x]', 40).replaceAll('ns', 'other')}{{ ns.x == other.x }}`,
    ),
  ),
  ofTemplate(
    'a dict that holds itself twice',
    'characters',
    grown('1', "{'a': ns.x, 'b': ns.x}", 40, '{{ ns.x | tojson(indent=4) }}'),
  ),
  ofTemplate(
    'dicts of many keys, again and again',
    'items',
    '{% for k in range(99) %}{% set d = dict(range(99998) | batch(2)) %}{% endfor %}',
  ),
  ofTemplate('dicts that grow', 'items', grown('{}', 'dict(ns.x, **dict(ns.x, **{i | string: i}))', 99999)),
  ofTemplate('replace that grows', 'characters', grown("'aa'", "ns.x.replace('a', 'aaaaaaaaaa')", 60)),
  ofTemplate('replace of nothing', 'characters', grown("'aa'", "ns.x.replace('', ns.x)", 60)),
  ofTemplate('the filter replace', 'characters', grown("'aa'", "ns.x | replace('a', 'aaaaaaaaaa')", 60)),
  ofTemplate('join that grows', 'characters', grown("'aa'", '[ns.x, ns.x] | join(ns.x)', 60)),
  ofTemplate(
    'join of many texts',
    'characters',
    "{% set a = 'a' * 100000 %}{{ range(99999) | map('string') | join(a) }}",
  ),
  ofTemplate('the method join', 'characters', "{% set a = 'a' * 100000 %}{{ a.join(a) }}"),
  ofTemplate('format with a width', 'wider than', "{{ '%999999999d' | format(1) }}"),
  ofTemplate('format of str with a width', 'wider than', "{{ '{:>999999999}'.format(1) }}"),
  ofTemplate('center', 'characters', "{{ 'a' | center(999999999) }}"),
  ofTemplate('ljust', 'characters', "{{ 'a'.ljust(999999999) }}"),
  ofTemplate('zfill', 'characters', "{{ 'a'.zfill(999999999) }}"),
  ofTemplate('indent', 'characters', `{{ ('a\\n' * 100000) | indent(100000) }}`),
  ofTemplate('expandtabs', 'characters', "{{ ('\\t' * 100000).expandtabs(100000) }}"),
  ofTemplate(
    'a macro that calls itself',
    'levels deep',
    '{% macro f(g) %}{{ g(g) }}{% endmacro %}{{ f(f) }}',
  ),
  ofTemplate(
    'a macro that calls itself twice',
    'steps',
    '{% macro f(g, n) %}{% if n > 0 %}{{ g(g, n - 1) }}{{ g(g, n - 1) }}{% endif %}{% endmacro %}{{ f(f, 60) }}',
  ),
  ofTemplate(
    'a recursive loop',
    'steps',
    '{% for i in [[1, 1]] recursive %}{{ loop([[1, 1], [1, 1]]) if loop.depth < 60 }}{% endfor %}',
  ),
  ofTemplate(
    'a recursive loop without an end',
    'levels deep',
    '{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}',
  ),
  ofTemplate('a block that calls itself', 'deep', '{% block a %}{{ self.a() }}{% endblock %}'),
  ofTemplate('slices in a loop', 'steps', `{% set a = 'a' * 1000000 %}${nested(2, '{% set b = a[1:] %}')}`),
  ofTemplate(
    'reversed slices in a loop',
    'steps',
    `{% set a = 'é' * 1000000 %}${nested(2, '{% set b = a[::-1] %}')}`,
  ),
  ofTemplate(
    'slices of a list in a loop',
    'items',
    `{% set a = [1] * 100000 %}${nested(2, '{% set b = a[1:] %}')}`,
  ),
  ofTemplate(
    'namespaces that grow',
    'steps',
    grown('namespace()', 'namespace(a=ns.x, **dict(range(9998) | map("string") | batch(2)))', 99999),
  ),
  ofTemplate('a source nested in brackets', 'deep', `{{ ${'('.repeat(100_000)}1${')'.repeat(100_000)} }}`),
  ofTemplate('a source nested in ifs', 'deep', '{%if 1%}'.repeat(50_000) + '{%endif%}'.repeat(50_000)),
  ofTemplate('a source nested in lists', 'deep', `{{ ${'['.repeat(200_000)}${']'.repeat(200_000)} }}`),
  ofTemplate('a chain of nots', 'deep', `{{ ${'not '.repeat(200_000)}1 }}`),
  ofTemplate('a chain of attributes', 'deep', `{{ a${'.a'.repeat(200_000)} }}`),
  ofTemplate('a chain of filters', 'deep', `{{ 'a'${'|upper'.repeat(100_000)} }}`),
  ofTemplate(
    'a chain of ~',
    'characters',
    `{% set a = 'a' * 1000000 %}{{ ${Array<string>(500).fill('a').join(' ~ ')} }}`,
  ),
  ofTemplate('a source that is too long', 'characters', `{{ '${'a'.repeat(2_000_000)}' }}`),
  ofTemplate('a literal of a million digits', '', `{{ ${'9'.repeat(1_000_000)} * ${'9'.repeat(40_000)} }}`),
  ofTemplate('powers', '', '{{ 9 ** 99999 ** 9 }}'),
  ofTemplate('powers step by step', '', grown('9', 'ns.x * ns.x', 60, '{{ ns.x }}')),
  ofTemplate('shifts by a format', '', grown('2 ** 1000', 'ns.x ** 10', 60, '{{ ns.x }}')),
  ofTemplate(
    'round to many digits',
    'steps',
    "{% for i in range(99999) %}{% for k in range(99999) %}{% set a = (1.5 | round(300)) ~ ('%.300f' | format(0.1)) %}{% endfor %}{% endfor %}",
  ),
  ofTemplate(
    'sort by an attribute',
    'steps',
    "{% set a = range(99999) | map('string') | list %}{% for i in range(99999) %}{% set b = a | sort(attribute='0') %}{% endfor %}",
  ),
  ofTemplate(
    'sort of long texts',
    'steps',
    "{% set a = 'a' * 1000000 %}{% set l = [a ~ 'b', a ~ 'c', a ~ 'd'] %}{% for i in range(99999) %}{% set b = l | sort %}{% endfor %}",
  ),
  ofTemplate(
    'groupby',
    '',
    "{% set a = range(99999) | list %}{% for i in range(99999) %}{% set b = a | groupby('real') %}{% endfor %}",
  ),
  ofTemplate(
    'unique',
    '',
    '{% set a = range(99999) | list %}{% for i in range(99999) %}{% set b = a | unique | list %}{% endfor %}',
  ),
  ofTemplate('sums of lists', 'items', '{% set a = [[1] * 1000] * 1000 %}{{ a | sum(start=[]) }}'),
  ofTemplate(
    'a cross product by selectattr',
    'steps',
    "{% set a = range(99999) | list %}{% for i in a %}{% set b = a | select('equalto', -1) | list %}{% endfor %}",
  ),
  ofTemplate(
    '`in` on a list',
    'steps',
    '{% set a = range(99999) | list %}{% for i in a %}{% if -1 in a %}{% endif %}{% endfor %}',
  ),
  ofTemplate(
    '`in` on a text',
    'steps',
    "{% set a = 'a' * 1000000 %}{% for i in range(99999) %}{% if ('a' * 1000 ~ 'b') in a %}{% endif %}{% endfor %}",
  ),
  ofTemplate(
    'find and count',
    'steps',
    "{% set a = 'a' * 1000000 %}{% for i in range(99999) %}{% if a.count('ab') + a.find('b') %}{% endif %}{% endfor %}",
  ),
  ofTemplate(
    'split into characters',
    'c',
    "{% set a = 'a ' * 1000000 %}{% for i in range(99999) %}{% set b = a.split() %}{% endfor %}",
  ),
  ofTemplate('wordwrap', '', "{{ ('a ' * 1000000) | wordwrap(1, wrapstring='a' * 1000) }}"),
  ofTemplate('urlize', '', "{% for i in range(999) %}{{ ('http://a.b ' * 100000) | urlize }}{% endfor %}"),
  ofTemplate(
    'striptags',
    '',
    "{% for i in range(999) %}{% set b = ('<' * 100000) | striptags %}{% endfor %}",
  ),
  ofTemplate(
    'title and capitalize',
    'steps',
    "{% set a = 'ab ' * 1000000 %}{% for i in range(99999) %}{% set b = a | title | capitalize %}{% endfor %}",
  ),
  ofTemplate('pprint of shared lists', 'steps', grown('[1]', '[ns.x, ns.x]', 40, '{{ ns.x | pprint }}')),
  ofTemplate('xmlattr', '', grown("'a'", "({'a': ns.x, 'b': ns.x} | xmlattr)", 60)),
  ofTemplate('strftime of a long format', 'characters', "{{ strftime_now('%A' * 10000000) }}"),
  ofTemplate('lists nested step by step', 'levels deep', grown('[]', '[ns.x]', 99999, '{{ ns.x }}')),
  ofTemplate(
    'a set block that doubles',
    'characters',
    "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set b %}{{ ns.x }}{{ ns.x }}{% endset %}{% set ns.x = b %}{% endfor %}",
  ),
  ofTemplate('output without an end', 'characters', `{% set a = 'a' * 1000000 %}${nested(2, '{{ a }}')}`),
  ofTemplate(
    'a call block that nests',
    '',
    '{% macro m() %}{{ caller() }}{{ caller() }}{% endmacro %}' +
      '{% call m() %}'.repeat(40) +
      'a' +
      '{% endcall %}'.repeat(40),
  ),
  ofTemplate(
    'a filter block that grows',
    'steps',
    "{% filter replace('a', 'aaaaaaaaaa') %}".repeat(40) + 'a' + '{% endfilter %}'.repeat(40),
  ),
  ofTemplate('slice and batch with fill', 'items', "{{ [1] | batch(999999999, 'x') | list }}"),
  ofTemplate('slices by count', '', '{{ [1] | slice(999999999) | list }}'),
  ofTemplate(
    'a cycler and a joiner of long texts',
    'characters',
    `{% set j = joiner('a' * 1000000) %}${nested(2, '{{ j() }}')}`,
  ),
];
