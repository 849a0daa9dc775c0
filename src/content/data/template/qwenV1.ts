import { IM_END, IM_START } from './chatml.ts';
import { parseTiktoken, recoverMerges } from '../tokenizer/tiktoken.ts';

/** The vocabulary file of Qwen v1 (QWenLMHeadModel), which has no tokenizer.json. */
export const QWEN_VOCABULARY = 'qwen.tiktoken';

const END_OF_TEXT = '<|endoftext|>';

/** Number of tokens `<|extra_0|>`, `<|extra_1|>`, …. */
const EXTRAS = 205;

/** PAT_STR of QWenTokenizer (tokenization_qwen.py): splits a text before its bytes are merged. */
const WORDS =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/**
 * ChatML as in Qwen v1 (make_context of qwen_generation_utils.py, preprocess of finetune.py), whose folders have no
 * Jinja template. It supports no tools, and a system message only at the start.
 */
export const QWEN_TEMPLATE = [
  "{%- if not messages or messages[0].role != 'system' -%}",
  String.raw`{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}`,
  '{%- endif -%}',
  '{%- for message in messages -%}',
  "{%- if message.role not in ['user', 'assistant'] and not (loop.first and message.role == 'system') -%}",
  "{{ raise_exception('the role ' + message.role + ' is not allowed here: Qwen has an initial system message, user and assistant') }}",
  '{%- endif -%}',
  String.raw`{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}`,
  '{%- endfor -%}',
  String.raw`{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}`,
].join('');

/** Tokenizer files for a Qwen v1 folder. */
export interface QwenFiles {
  /** tokenizer.json */
  json: Record<string, unknown>;
  /** special_tokens_map.json */
  specialTokensMap: Record<string, unknown>;
  /** Qwen's chat stops at `<|im_end|>` and `<|im_start|>`, besides the end of text. */
  eosIds: number[];
}

/**
 * Converts the text of qwen.tiktoken to the files of a fast tokenizer with the same ids. The special tokens follow the
 * regular ones. Throws `data.tiktoken_line` and `data.tokenizer_invalid`.
 */
export function qwenFiles(text: string): QwenFiles {
  const tokens = parseTiktoken(text, QWEN_VOCABULARY);
  const special = [END_OF_TEXT, IM_START, IM_END];
  for (let i = 0; i < EXTRAS; i++) special.push(`<|extra_${i}|>`);
  return {
    json: {
      version: '1.0',
      added_tokens: special.map((content, i) => ({
        id: tokens.length + i,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
      normalizer: { type: 'NFC' },
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [
          { type: 'Split', pattern: { Regex: WORDS }, behavior: 'Isolated', invert: false },
          { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
        ],
      },
      post_processor: null,
      decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
      model: {
        type: 'BPE',
        // Object.fromEntries, since an assignment to "__proto__" (a plausible token) would be lost.
        vocab: Object.fromEntries(tokens.map((token, rank) => [token, rank])),
        merges: recoverMerges(tokens, QWEN_VOCABULARY),
        // tiktoken looks up whole words first.
        ignore_merges: true,
      },
    },
    specialTokensMap: { eos_token: END_OF_TEXT, pad_token: END_OF_TEXT },
    eosIds: [END_OF_TEXT, IM_END, IM_START].map((token) => tokens.length + special.indexOf(token)),
  };
}
