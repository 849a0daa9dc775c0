import { readFileSync } from 'node:fs';
import { memoryFolder } from './sources.ts';
import { loadTokenizer, type Tokenizer } from '../content/data/tokenizer/tokenizer.ts';

/** A fixture's text, for tests. */
export function fixture(name: string): string {
  return readFileSync(new URL(`../content/data/fixtures/${name}`, import.meta.url), 'utf8');
}

/** Files of a tokenizer like Llama 2's (SentencePiece, byte fallback, 512 tokens, no chat template), for tests. */
export function llama2Files(): Record<string, string> {
  return {
    'tokenizer.json': fixture('llama2-like.tokenizer.json'),
    'tokenizer_config.json': JSON.stringify({
      add_bos_token: true,
      add_eos_token: false,
      bos_token: '<s>',
      eos_token: '</s>',
      unk_token: '<unk>',
      model_max_length: 512,
      tokenizer_class: 'LlamaTokenizer',
    }),
    'generation_config.json': JSON.stringify({ bos_token_id: 1, eos_token_id: 2, do_sample: false }),
  };
}

/** A tokenizer like Llama 2's, without a chat template, for tests. */
export function llama2Tokenizer(): Promise<Tokenizer> {
  return load(llama2Files());
}

/** A byte-level tokenizer like Qwen's with chat template `template`, for tests. */
export function qwenTokenizer(template?: string, eos = '<|im_end|>'): Promise<Tokenizer> {
  return load({
    'tokenizer.json': fixture('qwen-like.tokenizer.json'),
    'tokenizer_config.json': JSON.stringify({
      add_bos_token: false,
      bos_token: null,
      eos_token: eos,
      pad_token: '<|endoftext|>',
      chat_template: template,
    }),
  });
}

/** A tokenizer like Qwen v1's (qwen.tiktoken), with the files of its chat models, for tests. */
export function qwenV1Tokenizer(files: Record<string, string> = {}): Promise<Tokenizer> {
  return load({
    'qwen.tiktoken': fixture('qwen-v1-like.tiktoken'),
    'tokenizer_config.json': JSON.stringify({
      model_max_length: 8192,
      tokenizer_class: 'QWenTokenizer',
      auto_map: { AutoTokenizer: ['tokenization_qwen.QWenTokenizer', null] },
    }),
    'generation_config.json': JSON.stringify({ chat_format: 'chatml', eos_token_id: 556, pad_token_id: 556 }),
    ...files,
  });
}

/** A byte-level tokenizer like Llama 3's with chat template `template`, for tests. */
export function llama3Tokenizer(template?: string): Promise<Tokenizer> {
  return load({
    'tokenizer.json': fixture('llama3-like.tokenizer.json'),
    'tokenizer_config.json': JSON.stringify({
      bos_token: { content: '<|begin_of_text|>' },
      eos_token: { content: '<|eot_id|>' },
      clean_up_tokenization_spaces: true,
    }),
    ...(template === undefined ? {} : { 'chat_template.jinja': template }),
  });
}

async function load(files: Record<string, string>): Promise<Tokenizer> {
  const tokenizer = await loadTokenizer(memoryFolder(files));
  if (!tokenizer) throw new Error('no tokenizer');
  return tokenizer;
}
