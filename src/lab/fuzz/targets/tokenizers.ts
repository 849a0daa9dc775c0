import { QWEN_VOCABULARY } from '../../../content/data/template/qwenV1.ts';
import { parseTiktoken, recoverMerges } from '../../../content/data/tokenizer/tiktoken.ts';
import { loadTokenizer, type Tokenizer } from '../../../content/data/tokenizer/tokenizer.ts';
import { memoryFolder } from '../../../testing/sources.ts';
import { fixture, llama2Files } from '../../../testing/tokenizers.ts';
import { bytesOf, holds, textOf, type FuzzTarget } from '../target.ts';

/** Short, because a stranger's pattern may take exponential time: workers with a deadline run those (textGuard.ts). */
const TEXT = "I'm <|im_start|>42 ﬁ é\u0301 字😀\n";

function checkTokenizer(tokenizer: Tokenizer): void {
  const { ids, starts, ends } = tokenizer.encodeWithOffsets(TEXT);
  holds(ids.length === starts.length && ids.length === ends.length, 'each token has a range');
  for (const [i, start] of starts.entries())
    holds(start >= 0 && start <= ends[i]! && ends[i]! <= TEXT.length, 'ranges lie in the text');
  for (const id of ids) holds(Number.isSafeInteger(id) && id >= 0, 'ids are whole numbers');
  holds(typeof tokenizer.decode(ids) === 'string', 'ids decode to text');
  holds(typeof tokenizer.decode([0, 1, 1e9, 3], { skipSpecialTokens: true }) === 'string', 'any ids decode');
  for (const { start, end } of tokenizer.specialTokensIn(TEXT))
    holds(start >= 0 && start <= end && end <= TEXT.length, 'special tokens lie in the text');
}

const WORDS = [
  '"type":"BPE"',
  '"type":"Unigram"',
  '"type":"WordLevel"',
  '"type":"WordPiece"',
  '"type":"Sequence"',
  '"type":"ByteLevel"',
  '"type":"Metaspace"',
  '"type":"Replace"',
  '"type":"Precompiled"',
  '"Regex":"\\\\p{L}+"',
  '"String":" "',
  '"Regex":"(?<=a)b|\\\\h"',
  '"behavior":"MergedWithNext"',
  '"unk_id":0',
  '"byte_fallback":true',
  '"ignore_merges":true',
  '"lstrip":true',
  '"normalized":true',
  '"id":999999999',
  '"merges":["a b"]',
  '"vocab":{"a":0}',
  '"vocab":[["a",-1.0]]',
];

export const tokenizerTargets: readonly FuzzTarget[] = [
  {
    name: 'tokenizer',
    text: true,
    quick: 48,
    dictionary: WORDS,
    seeds: async () => [
      ...['llama2-like', 'llama3-like', 'qwen-like'].map((name) =>
        bytesOf(fixture(`${name}.tokenizer.json`)),
      ),
      bytesOf(
        '{"version":"1.0","added_tokens":[{"id":3,"content":"<s>","single_word":false,"lstrip":false,"rstrip":true,"normalized":true,"special":true}],"normalizer":{"type":"Sequence","normalizers":[{"type":"Lowercase"},{"type":"Replace","pattern":{"Regex":" +"},"content":"▁"}]},"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true},"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{"<s>":{"id":"<s>","ids":[3],"tokens":["<s>"]}}},"decoder":{"type":"Sequence","decoders":[{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["▁i",-1.5],["m",-2]],"byte_fallback":false}}',
      ),
      bytesOf(
        '{"version":"1.0","added_tokens":[],"normalizer":null,"pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":null,"decoder":{"type":"WordPiece","prefix":"##","cleanup":true},"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,"vocab":{"[UNK]":0,"i":1,"##m":2}}}',
      ),
    ],
    async run(input) {
      const tokenizer = await loadTokenizer(memoryFolder({ ...llama2Files(), 'tokenizer.json': input }));
      if (tokenizer) checkTokenizer(tokenizer);
    },
  },
  {
    name: 'tokenizer-config',
    text: true,
    quick: 48,
    dictionary: [
      '"chat_template":[{"name":"default","template":"x"}]',
      '"chat_template":{"default":"x"}',
      '"bos_token":{"content":"<s>"}',
      '"added_tokens_decoder":{"5":{"content":"x","special":true}}',
      '"eos_token":null',
    ],
    seeds: async () => [
      bytesOf(llama2Files()['tokenizer_config.json']!),
      bytesOf(
        '{"bos_token":{"content":"<s>","lstrip":false},"eos_token":"</s>","added_tokens_decoder":{"1":{"content":"<s>","lstrip":false,"normalized":false,"rstrip":false,"single_word":false,"special":true}},"chat_template":[{"name":"default","template":"{{ messages[0].content }}"},{"name":"tool_use","template":"t"}],"additional_special_tokens":["<x>"]}',
      ),
      bytesOf('{"bos_token_id":[1,2],"eos_token_id":[2,"x"],"pad_token_id":null}'),
    ],
    async run(input) {
      // Each of the files that say something about tokens is read by the same rules.
      const names = [
        'tokenizer_config.json',
        'special_tokens_map.json',
        'generation_config.json',
        'config.json',
      ];
      for (const name of names) {
        const tokenizer = await loadTokenizer(memoryFolder({ ...llama2Files(), [name]: input }));
        for (const id of tokenizer!.eosIds) holds(Number.isSafeInteger(id), 'ids are whole numbers');
      }
    },
  },
  {
    name: 'tiktoken',
    text: true,
    quick: 48,
    dictionary: ['IQ== 0\n', 'QQ==', ' 256', '\r\n', '====', 'AAAAAAAAAAAA 999999999\n'],
    seeds: async () => [bytesOf(fixture('qwen-v1-like.tiktoken'))],
    run(input) {
      const tokens = parseTiktoken(textOf(input), QWEN_VOCABULARY);
      holds(new Set(tokens).size === tokens.length, 'tokens are different');
      for (const [left, right] of recoverMerges(tokens, QWEN_VOCABULARY))
        holds(tokens.includes(left + right), 'merges make tokens');
    },
  },
];
