import { IM_END, IM_START } from '../../content/data/template/chatml.ts';
import { writeText } from '../../content/formats/text.ts';
import type { WritableFolder } from '../../base/storage/types.ts';
import { wordPattern, type Bpe } from './bpe.ts';
import { jsonText } from './newModel.ts';

export const END_OF_TEXT = '<|endoftext|>';
const specials = [END_OF_TEXT, IM_START, IM_END] as const;

/** ChatML without text of its own: no system message unless the chat has one. */
export const chatTemplate = `{% for message in messages %}{{ '${IM_START}' + message['role'] + '\\n' + message['content'] + '${IM_END}' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '${IM_START}assistant\\n' }}{% endif %}`;

/** Ids of the special tokens, which follow the vocabulary, and the total number of ids. */
export function specialIds({ tokens }: Bpe): { pad: number; eos: number; count: number } {
  return {
    pad: tokens.length,
    eos: tokens.length + specials.indexOf(IM_END),
    count: tokens.length + specials.length,
  };
}

/** tokenizer.json for the tokenizers library. */
export function tokenizerJson({ tokens, merges }: Bpe): Record<string, unknown> {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specials.map((content, i) => ({
      id: tokens.length + i,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    // Text is preserved byte for byte.
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: wordPattern }, behavior: 'Isolated', invert: false },
        byteLevel,
      ],
    },
    post_processor: byteLevel,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
}

/**
 * tokenizer_config.json, with the chat template.
 * @param positions of the model
 */
export function tokenizerConfig(positions: number): Record<string, unknown> {
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    add_bos_token: false,
    add_prefix_space: false,
    bos_token: null,
    eos_token: IM_END,
    pad_token: END_OF_TEXT,
    unk_token: null,
    additional_special_tokens: [IM_START, IM_END],
    clean_up_tokenization_spaces: false,
    model_max_length: positions,
    chat_template: chatTemplate,
  };
}

/** Writes both files of a tokenizer. Throws what the folder throws. */
export async function writeTokenizer(folder: WritableFolder, bpe: Bpe, positions: number): Promise<void> {
  // One line: it is read by programs, and ships with the page.
  await writeText(folder, 'tokenizer.json', `${JSON.stringify(tokenizerJson(bpe))}\n`);
  await writeText(folder, 'tokenizer_config.json', jsonText(tokenizerConfig(positions)));
}
