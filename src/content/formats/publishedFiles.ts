/** Files that say how text becomes tokens, by the names that transformers and the first Qwen give them. */
const TOKENIZER =
  /^(?:tokenizer(?:_config)?\.json|special_tokens_map\.json|added_tokens\.json|vocab\.(?:json|txt)|merges\.txt|chat_template\.(?:jinja|json)|[\w-]+\.tiktoken|(?:tokenizer|spiece|sentencepiece(?:\.bpe)?)\.model)$/;

/** The card, and what the authors of a base demand of its copies. */
const TEXTS =
  /^(?:README\.md|(?:LICEN[CS]E|NOTICE|COPYING|USE_POLICY|USAGE_POLICY|ACCEPTABLE_USE_POLICY)(?:[-_.][\w.-]*)?)$/i;

/** What Graft writes beside a result. */
const TRAINING = /^(?:recipe\.json|training\.json|metrics\.jsonl)$/;

/** Settings of a model, and code that reads it (`trust_remote_code`). */
const SETTINGS =
  /^(?:config\.json|generation_config\.json|preprocessor_config\.json|processor_config\.json|quantize_config\.json|quant_config\.json|(?:configuration|modeling|tokenization|generation|qwen_generation)_\w+\.py|cpp_kernels\.py)$/;

const ADAPTER = /^(?:adapter_config\.json|adapter_model(?:\.int8)?\.safetensors|generation_config\.json)$/;

const WEIGHTS = /^(?:model|pytorch_model)[\w.-]*\.safetensors(?:\.index\.json)?$/;

/** What a folder that is published holds. */
export type PublishedKind = 'adapter' | 'model';

/** Whether a file of a model besides its weights belongs to it: settings, tokenizer, template, licence, card. */
export function isModelFile(name: string): boolean {
  return [SETTINGS, TOKENIZER, TEXTS].some((names) => names.test(name));
}

/**
 * Whether a file is published with a folder of that kind. Anything else in the folder, such as notes, keys, data and what
 * an editor left, stays on this machine.
 */
export function isPublished(kind: PublishedKind, name: string): boolean {
  if ([TOKENIZER, TEXTS, TRAINING].some((names) => names.test(name))) return true;
  return kind === 'adapter' ? ADAPTER.test(name) : SETTINGS.test(name) || WEIGHTS.test(name);
}
