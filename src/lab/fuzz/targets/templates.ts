import { Template, TemplateError } from '../../../content/data/template/jinja/index.ts';
import { templateSize } from '../../../content/data/template/templateMessage.ts';
import { fixture } from '../../../testing/tokenizers.ts';
import { bytesOf, holds, textOf, type FuzzTarget } from '../target.ts';

const messages = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: ' Hi 😀\n<think>' },
  { role: 'assistant', content: 'Hello', tool_calls: [{ function: { name: 'f', arguments: { x: 1 } } }] },
  { role: 'tool', content: '{"y": [1, 2.5, null]}' },
  { role: 'assistant', content: 'Bye.' },
];
const variables = {
  messages,
  bos_token: '<s>',
  eos_token: '</s>',
  add_generation_prompt: true,
  tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }],
  documents: null,
};

export const templateTargets: readonly FuzzTarget[] = [
  {
    name: 'jinja',
    text: true,
    quick: 120,
    dictionary: [
      '{% for m in messages %}',
      '{% endfor %}',
      '{% if m %}',
      '{% else %}',
      '{% endif %}',
      '{% set ns = namespace(x=[]) %}',
      '{% set x %}',
      '{% macro f(a, b=1) %}{{ caller() }}{% endmacro %}',
      '{% call(x) f(1) %}',
      '{% generation %}',
      '{% raw %}',
      '{%- ',
      ' -%}',
      '{{ ',
      ' }}',
      '{# ',
      ' #}',
      '| tojson(indent=2)',
      '| join(", ")',
      '| map(attribute="content") | list',
      '| selectattr("role", "equalto", "user")',
      '| groupby("role")',
      '| format(1, 2)',
      '| trim',
      '| slice(3)',
      '| batch(2)',
      '| replace("", "x")',
      '| sort(reverse=true)',
      '| random',
      '| center(99)',
      '| wordwrap(2)',
      '.split()',
      '.__class__',
      '[::-1]',
      '[1:2]',
      ' * 1000',
      ' ** 99',
      ' ~ ',
      ' % ',
      ' // 0',
      ' is defined',
      ' not in ',
      '"%s %d %5.2f" % ("a", 1, 2.0)',
      '"{:>10}{0!r}".format(1)',
      'range(5)',
      'raise_exception("no")',
      'strftime_now("%Y")',
      'loop.index0',
      'loop(m)',
      'self.x()',
      'lipsum()',
      'cycler(1, 2).next()',
      'joiner("a")()',
    ],
    seeds: async () => [
      ...['smollm2', 'qwen2.5', 'qwen3', 'llama3', 'mistral', 'deepseek-r1', 'tools', 'generation'].map(
        (name) => bytesOf(fixture(`${name}.jinja`)),
      ),
      ...(JSON.parse(fixture('template-pairs.json')) as { template: string }[]).map(({ template }) =>
        bytesOf(template),
      ),
    ],
    mayThrow: (error) => error instanceof TemplateError,
    run(input) {
      const now = new Date(2026, 0, 2, 3, 4, 5);
      const size = { length: templateSize(variables), messages: messages.length };
      const { text, spans } = new Template(textOf(input)).render(variables, { now, size });
      holds(typeof text === 'string', 'a rendering is text');
      for (const { start, end } of spans) holds(start >= 0 && start <= end, 'spans lie in the text');
    },
  },
];
