import { describe, expect, it } from 'vitest';
import { fixture, llama3Tokenizer, qwenTokenizer, qwenV1Tokenizer } from '../../../testing/tokenizers.ts';
import { memoryFolder } from '../../../testing/sources.ts';
import { labelTokens } from './mask.ts';
import { loadTokenizer, type Tokenizer } from '../tokenizer/tokenizer.ts';
import { endsWithEnd, lintEnds, stopIds, trainedEnds, turnEnds } from './turnEnd.ts';

/** A byte-level tokenizer with these added tokens; the `plain` ones are not marked special. */
async function tokenizerOf(
  template: string | null,
  { special = ['</s>'], plain = [] as string[], eos = '</s>' } = {},
): Promise<Tokenizer> {
  const json = JSON.parse(fixture('qwen-like.tokenizer.json')) as { added_tokens: object[] };
  const first = 9000;
  json.added_tokens = [...special, ...plain].map((content, i) => ({
    id: first + i,
    content,
    special: i < special.length,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  }));
  const tokenizer = await loadTokenizer(
    memoryFolder({
      'tokenizer.json': JSON.stringify(json),
      'tokenizer_config.json': JSON.stringify({
        add_bos_token: false,
        bos_token: '<bos>',
        eos_token: eos,
        chat_template: template ?? undefined,
      }),
    }),
  );
  if (!tokenizer) throw new Error('no tokenizer');
  return tokenizer;
}

const names = (tokenizer: Tokenizer) => turnEnds(tokenizer).ids.map((id) => tokenizer.tokenOf(id));
/** A template that writes roles in brackets, then the content and `end`. */
const turns = (end: string) =>
  `{% for m in messages %}{{ '[' + m.role + ']' + m.content }}${end}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}`;

describe('ends of turns', () => {
  it.each([
    ['qwen2.5.jinja', ['<|im_end|>']],
    ['qwen3.jinja', ['<|im_end|>']],
    ['smollm2.jinja', ['<|im_end|>']],
    ['generation.jinja', ['<|im_end|>']],
  ])('match those of %s, whatever EOS is', async (file, expected) => {
    for (const eos of ['<|im_end|>', '<|endoftext|>']) {
      const tokenizer = await qwenTokenizer(fixture(file), eos);
      expect(names(tokenizer)).toEqual(expected);
      expect(new Set(stopIds(tokenizer))).toEqual(
        new Set([tokenizer.idOf(eos), tokenizer.idOf('<|im_end|>')]),
      );
      expect(stopIds(tokenizer)[0]).toBe(tokenizer.idOf(eos));
    }
  });

  it('are those of Llama 3, and of templates that write EOS', async () => {
    expect(names(await llama3Tokenizer(fixture('llama3.jinja')))).toEqual(['<|eot_id|>']);
    const nameOf = async (file: string) => names(await qwenTokenizer(fixture(file), '<|endoftext|>'));
    expect(await nameOf('mistral.jinja')).toEqual(['<|endoftext|>']);
    // Our copy writes <|im_end|> where DeepSeek's has its own token.
    expect(await nameOf('deepseek-r1.jinja')).toEqual(['<|im_end|>']);
  });

  it.each([
    'qwen2.5.jinja',
    'qwen3.jinja',
    'smollm2.jinja',
    'generation.jinja',
    'mistral.jinja',
    'deepseek-r1.jinja',
  ])('by %s are the tokens with which training ends every answer', async (file) => {
    const tokenizer = await qwenTokenizer(fixture(file), '<|endoftext|>');
    const messages = [
      { role: 'user' as const, content: 'Hi' },
      { role: 'assistant' as const, content: 'Hello.' },
      { role: 'user' as const, content: 'Who?' },
      { role: 'assistant' as const, content: 'Zip.' },
    ];
    const { ids, labels } = labelTokens(tokenizer, { messages }, { mask: 'assistant' });
    const last = ids.filter((_, i) => labels[i] !== -100 && (labels[i + 1] ?? -100) === -100);
    const ends = new Set(trainedEnds(tokenizer).map(({ id }) => id));
    expect(last.length).toBeGreaterThan(0);
    for (const id of last) expect(ends).toContain(id);
  });

  it('of Qwen v1 are those of ChatML', async () => {
    const tokenizer = await qwenV1Tokenizer();
    expect(names(tokenizer)).toEqual(['<|im_end|>']);
    expect(stopIds(tokenizer)).toEqual(tokenizer.eosIds);
  });

  it('may be tokens not marked special, even if EOS follows the last one', async () => {
    const special = ['</s>', '<bos>'];
    const gemma = turns('<end_of_turn>\\n').replaceAll('\\n', '\n');
    const tokenizer = await tokenizerOf(gemma, { special, plain: ['<end_of_turn>', '<start_of_turn>'] });
    expect(names(tokenizer)).toEqual(['<end_of_turn>']);
    expect(lintEnds(tokenizer).blankIds).toContain(tokenizer.encode('\n', { addSpecialTokens: false })[0]);
    const phi = await tokenizerOf(`${turns('<|end|>\n')}{{ eos_token }}`, { special, plain: ['<|end|>'] });
    expect(names(phi)).toEqual(['<|end|>', '</s>']);
  });

  it('may differ between turns', async () => {
    const template = turns('{% if loop.last %}{{ eos_token }}{% else %}<sep>{% endif %}');
    const tokenizer = await tokenizerOf(template, { special: ['</s>', '<sep>'] });
    expect(names(tokenizer)).toEqual(['</s>', '<sep>']);
    const open = await tokenizerOf(turns('{% if not loop.last %}<sep>{% endif %}'), {
      special: ['</s>', '<sep>'],
    });
    expect(names(open)).toEqual(['<sep>']);
    expect(trainedEnds(open).map(({ token }) => token)).toEqual(['</s>', '<sep>']);
  });

  it('exclude tokens that end a part of a turn', async () => {
    // As in gpt-oss: a message ends with <|end|>, the turn with <|return|>.
    const template =
      "{% for m in messages %}{% if m.thinking %}[thought]{{ m.thinking }}<|end|>{% endif %}{{ '[' + m.role + ']' + m.content }}" +
      '{% if loop.last %}<|return|>{% else %}<|end|>{% endif %}{% endfor %}';
    const special = ['</s>', '<|end|>', '<|return|>'];
    expect(names(await tokenizerOf(template, { special }))).toEqual(['<|return|>']);
  });

  it('of a tool call may differ, but exclude markers that another call may follow', async () => {
    const template = (end: string) =>
      "{% for m in messages %}{{ '[' + m.role + ']' }}{% if m.tool_calls %}{% for c in m.tool_calls %}<call>{{ c.function.name }}{{ c.function.arguments | tojson }}</call>{% endfor %}" +
      `${end}{% else %}{{ m.content }}<eot>{% endif %}{% endfor %}`;
    const added = { special: ['</s>', '<eot>', '<eom>'], plain: ['<call>', '</call>'] };
    expect(names(await tokenizerOf(template('<eom>'), added))).toEqual(['<eot>', '<eom>']);
    expect(names(await tokenizerOf(template(''), added))).toEqual(['<eot>']);
    // A template that accepts arguments as text only.
    const asText = template('<eom>').replace(
      '{{ c.function.arguments | tojson }}',
      "{% if c.function.arguments is mapping %}{{ raise_exception('text') }}{% endif %}{{ c.function.arguments }}",
    );
    expect(names(await tokenizerOf(asText, added))).toEqual(['<eot>', '<eom>']);
  });

  it('are reported as text if they are not tokens', async () => {
    const tokenizer = await tokenizerOf(turns('\n### End\n'));
    expect(turnEnds(tokenizer)).toMatchObject({ ids: [], text: '### End' });
    expect(stopIds(tokenizer)).toEqual(tokenizer.eosIds);
    expect(lintEnds(tokenizer).template).toEqual({ endIds: [], ends: [], text: '### End' });
  });

  it('are empty if the template writes none, rejects everything, or is missing', async () => {
    for (const template of [turns(''), turns('\n'), "{{ raise_exception('no') }}", '{{ nonsense', null]) {
      const tokenizer = await tokenizerOf(template);
      expect(turnEnds(tokenizer)).toMatchObject({ ids: [], text: null });
      expect(trainedEnds(tokenizer).map(({ token }) => token)).toEqual(['</s>']);
    }
  });

  it('are found if the template requires a system message, and if it rejects one', async () => {
    const demand = "{% if messages[0].role != 'system' %}{{ raise_exception('system first') }}{% endif %}";
    const refuse = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}";
    for (const rule of [demand, refuse])
      expect(names(await tokenizerOf(rule + turns('</s>')))).toEqual(['</s>']);
  });
});

it('detects token lists that already have an end token', async () => {
  const tokenizer = await qwenTokenizer(fixture('qwen2.5.jinja'), '<|endoftext|>');
  const ends = (text: string) => endsWithEnd(tokenizer, tokenizer.encode(text, { addSpecialTokens: false }));
  expect(['Hi<|endoftext|>', 'Hi<|im_end|>', 'Hi<|im_end|>\n', 'Hi<|im_end|> \n\n'].map(ends)).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(['', '\n', 'Hi', 'Hi<|im_end|> more', '<|im_end|>\nHi'].map(ends)).toEqual([
    false,
    false,
    false,
    false,
    false,
  ]);
  const plain = await tokenizerOf(null, { special: ['</s>', '<bos>', '<eot>'] });
  const endsPlain = (text: string) => endsWithEnd(plain, plain.encode(text, { addSpecialTokens: false }));
  // Without a template another special token may be an end; BOS is not.
  expect(['Hi</s>', 'Hi<eot>\n', 'Hi<bos>'].map(endsPlain)).toEqual([true, true, false]);
});
