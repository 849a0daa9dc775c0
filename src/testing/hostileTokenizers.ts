import type { HostileProgram } from './hostilePrograms.ts';

const A = 'a'.repeat(5000);
const split = (Regex: string) => ({
  pre_tokenizer: { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false },
});
const replace = (from: string, content: string) => ({ type: 'Replace', pattern: { String: from }, content });
const sequence = (normalizers: readonly object[]) => ({ normalizer: { type: 'Sequence', normalizers } });
const times = <T>(count: number, step: T): T[] => Array<T>(count).fill(step);

/** Patterns that never return: a guard has to end them. */
const hanging = (Regex: string, text = `${A}!`): HostileProgram => ({
  name: `the pattern ${Regex}`,
  tokenizer: split(Regex),
  text,
  code: 'data.pattern_hangs',
});

export const hangingTokenizers: readonly HostileProgram[] = [
  hanging('(a+)+$'),
  hanging('(a|a)*$'),
  hanging('(a|aa)+$'),
  hanging('(a+b?)+$'),
  hanging('((a+)+)+$'),
  hanging('([a-z]+)*$'),
  hanging('(\\p{L}+\\s?)+\\d', A),
  hanging('(?=(a+)+$)b'),
  hanging('([ab]+)+$'),
  {
    name: 'a pattern in a normalizer',
    tokenizer: { normalizer: { type: 'Replace', pattern: { Regex: '(a+)+$' }, content: '' } },
    text: `${A}!`,
    code: 'data.pattern_hangs',
  },
  {
    name: 'a pattern behind a normalizer that repeats the text',
    tokenizer: { ...sequence(times(4, replace('a', 'aaaaaaaa'))), ...split('(a+)+$') },
    text: 'a!',
    code: 'data.pattern_hangs',
  },
  {
    name: 'a pattern in the decoder',
    template: '{% for m in messages %}{{ m.content }}aa{% endfor %}',
    tokenizer: {
      decoder: {
        type: 'Sequence',
        decoders: [
          ...times(4, replace('a', 'aaaaaaaa')),
          { type: 'Replace', pattern: { Regex: '(a|a)+[^a]' }, content: '' },
        ],
      },
    },
    text: 'a',
    code: 'data.pattern_hangs',
  },
];

/** Tokenizers whose steps are counted. */
export const growingTokenizers: readonly HostileProgram[] = [
  {
    name: 'a normalizer that makes a text ten times as long, forty times',
    tokenizer: sequence(times(40, replace('a', 'aaaaaaaaaa'))),
    text: 'a',
    detail: 'characters',
  },
  {
    name: 'a normalizer that puts a long text for each character',
    tokenizer: sequence([replace('a', 'b'.repeat(1_000_000))]),
    text: A,
    detail: 'characters',
  },
  {
    name: 'the same by a pattern',
    tokenizer: sequence([{ type: 'Replace', pattern: { Regex: 'a|' }, content: 'b'.repeat(1_000_000) }]),
    text: A,
    detail: 'characters',
  },
  {
    name: 'a thousand long prefixes',
    tokenizer: sequence(times(1000, { type: 'Prepend', prepend: 'a'.repeat(10_000) })),
    text: 'a',
    detail: 'characters',
  },
  {
    name: 'bytes of bytes in a normalizer',
    tokenizer: sequence(times(40, { type: 'ByteLevel' })),
    text: 'é',
    detail: 'characters',
  },
  {
    name: 'bytes of bytes in a pre-tokenizer',
    tokenizer: {
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: times(40, {
          type: 'ByteLevel',
          add_prefix_space: false,
          trim_offsets: true,
          use_regex: false,
        }),
      },
    },
    text: 'é',
    detail: 'characters',
  },
  {
    name: 'a post-processor that repeats the text',
    tokenizer: {
      post_processor: {
        type: 'TemplateProcessing',
        single: times(4000, { Sequence: { id: 'A', type_id: 0 } }),
        pair: [],
        special_tokens: {},
      },
    },
    text: A,
    detail: 'characters',
  },
  {
    name: 'a decoder that makes tokens longer',
    template: '{% for m in messages %}{{ m.content }}aa{% endfor %}',
    tokenizer: { decoder: { type: 'Sequence', decoders: times(40, replace('a', 'aaaaaaaaaa')) } },
    text: 'a',
    detail: 'characters',
  },
  {
    name: 'a million steps',
    normalizer: `{"type":"Sequence","normalizers":[{"type":"NFC"}${',{"type":"NFC"}'.repeat(1_000_000)}]}`,
    detail: 'parts',
  },
  {
    name: 'added tokens that a normalizer makes longer',
    tokenizer: {
      ...sequence([replace('a', 'b'.repeat(100_000))]),
      added_tokens: Array.from({ length: 10_000 }, (_, i) => ({
        id: 512 + i,
        content: `a${i}`,
        normalized: true,
        single_word: false,
        lstrip: false,
        rstrip: false,
        special: false,
      })),
    },
    detail: 'characters',
  },
  {
    name: 'a sequence nested 100,000 deep',
    normalizer: `${'{"type":"Sequence","normalizers":['.repeat(100_000)}${']}'.repeat(100_000)}`,
    detail: 'levels deep',
  },
  {
    name: 'a pattern of nested groups',
    code: 'data.tokenizer_unsupported' as const,
    tokenizer: split(`${'('.repeat(4900)}a${')'.repeat(4900)}`),
    text: A,
    detail: '',
  },
].map((program) => ({ code: 'data.tokenizer_invalid' as const, ...program }));
