import { describe, expect, test } from 'vitest';
import type { Message } from '../rows/conversation.ts';
import { encodeChat, generationSpans, renderChat } from './template.ts';
import { fixture, llama2Tokenizer, llama3Tokenizer, qwenTokenizer } from '../../../testing/tokenizers.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

interface ReferenceRender {
  template: string;
  name: string;
  messages: Message[];
  gen: boolean;
  text?: string;
  error?: string;
  spans?: [number, number][] | null;
}
const renders = JSON.parse(fixture('reference-renders.json')) as ReferenceRender[];
const now = new Date(2025, 2, 9, 15, 4, 5);

async function tokenizerFor(template: string): Promise<Tokenizer> {
  const source = fixture(`${template}.jinja`);
  if (template === 'llama3') return llama3Tokenizer(source);
  const tokenizer = await qwenTokenizer(source);
  if (template !== 'mistral') return tokenizer;
  return { ...tokenizer, specialTokens: { bos_token: '<s>', eos_token: '</s>' } };
}

describe.each([...new Set(renders.map((render) => render.template))])('%s', (template) => {
  test('renders like transformers', async () => {
    const tokenizer = await tokenizerFor(template);
    const rows = renders.filter((render) => render.template === template);
    expect(rows.length).toBe(14);
    for (const { name, messages, gen, text, error } of rows) {
      const render = () => renderChat(tokenizer, messages, { addGenerationPrompt: gen, now });
      if (error === undefined) expect([name, gen, render()]).toEqual([name, gen, text]);
      else
        expect(render).toThrow(
          expect.objectContaining({ code: 'data.template_refused', params: { detail: error } }),
        );
    }
  });
});

test('generation tags give the spans of transformers', async () => {
  const tokenizer = await tokenizerFor('generation');
  const rows = renders.filter(({ template, gen }) => template === 'generation' && !gen);
  for (const { messages, spans } of rows) {
    // Python counts code points.
    const text = renderChat(tokenizer, messages);
    const points = (offset: number) => [...text.slice(0, offset)].length;
    expect(
      generationSpans(tokenizer, messages)?.map(({ start, end }) => [points(start), points(end)]),
    ).toEqual(spans);
  }
  expect(generationSpans(await tokenizerFor('qwen3'), [{ role: 'user', content: 'a' }])).toBeNull();
  // As in transformers: from the current end of the text, for the length of the block, even if a filter shortens it.
  const trimmed = await qwenTokenizer(
    '{% set x %}{% generation %}{{ messages[0].content }}{% endgeneration %}{% endset %}{{ x | trim }}',
  );
  expect(generationSpans(trimmed, [{ role: 'assistant', content: ' a ' }])).toEqual([{ start: 0, end: 1 }]);
});

test('errors are named', async () => {
  const ask: Message[] = [{ role: 'user', content: 'a' }];
  const broken = await qwenTokenizer('{% for %}');
  expect(() => renderChat(broken, ask)).toThrow(expect.objectContaining({ code: 'data.template_invalid' }));
  const failing = await qwenTokenizer('{{ messages | nosuchfilter }}');
  expect(() => renderChat(failing, ask)).toThrow(expect.objectContaining({ code: 'data.template_invalid' }));
  const failed = {
    code: 'data.template_refused',
    params: { detail: "UndefinedError: 'nothing' is undefined" },
  };
  expect(() => renderChat({ ...broken, chatTemplate: '{{ nothing.x }}' }, ask)).toThrow(
    expect.objectContaining(failed),
  );
  const refusing = await qwenTokenizer('{{ raise_exception("No tools please") }}');
  expect(() => renderChat(refusing, ask)).toThrow('rejected the conversation: No tools please.');
});

describe('plain format', () => {
  const ask: Message = { role: 'user', content: 'Tell a story.' };
  const answer: Message = { role: 'assistant', content: 'Zip was.' };

  test('a question, its answer, and the prompt for one', async () => {
    const tokenizer = await llama2Tokenizer();
    expect(renderChat(tokenizer, [ask, answer])).toBe('<s>Tell a story.\nZip was.</s>');
    expect(renderChat(tokenizer, [ask], { addGenerationPrompt: true })).toBe('<s>Tell a story.\n');
    expect(renderChat(tokenizer, [{ role: 'system', content: 'S' }, ask, answer, ask])).toBe(
      '<s>S\nTell a story.\nZip was.</s>Tell a story.',
    );
  });

  test('the prompt’s ids are the beginning of the conversation’s', async () => {
    const tokenizer = await llama2Tokenizer();
    const prompt = encodeChat(tokenizer, [ask], { addGenerationPrompt: true });
    const whole = encodeChat(tokenizer, [ask, answer]);
    expect(prompt).toEqual(tokenizer.encode('Tell a story.\n'));
    expect(whole.slice(0, prompt.length)).toEqual(prompt);
    expect(whole.at(-1)).toBe(2);
    expect(encodeChat(tokenizer, [], { addGenerationPrompt: true })).toEqual([1]);
  });
});

test('the steps and output of a template are limited', async () => {
  const render = async (template: string) =>
    renderChat(await qwenTokenizer(template), [{ role: 'user', content: 'Hi' }]);
  const sums = `{% for a in range(60000) %}{{ a${' + a'.repeat(100)} }}{% endfor %}`;
  await expect(render(sums)).rejects.toThrow('steps');
  const doubled =
    "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}";
  await expect(render(doubled)).rejects.toThrow('characters');
  expect(await render('{% for a in range(1000) %}a{% endfor %}')).toHaveLength(1000);
});

test('passes further variables, and message fields like apply_chat_template', async () => {
  const tokenizer = await qwenTokenizer(
    '{{ tools }} {{ documents }} {{ eos_token }} {{ depth }} {{ messages }}',
  );
  const messages: Message[] = [
    {
      role: 'assistant',
      content: '',
      fields: { content: null, thinking: 'hm', tool_calls: [], weight: null, n: 1.5 },
    },
  ];
  expect(
    renderChat(tokenizer, messages, { variables: { tools: [{ a: true }], depth: 2, eos_token: 'E' } }),
  ).toBe(
    "[{'a': True}] None E 2 [{'thinking': 'hm', 'role': 'assistant', 'tool_calls': [], 'n': 1.5, 'reasoning_content': 'hm'}]",
  );
});

test('conversations with tools use the template named tool_use', async () => {
  const tokenizer = { ...(await qwenTokenizer('plain')), toolTemplate: 'tools' };
  const ask: Message[] = [{ role: 'user', content: 'a' }];
  expect(renderChat(tokenizer, ask)).toBe('plain');
  expect(renderChat(tokenizer, ask, { variables: { tools: null } })).toBe('plain');
  expect(renderChat(tokenizer, ask, { variables: { tools: [] } })).toBe('tools');
});
