import type { Phrase } from '../phrase.ts';

/** Step 1: the model. */
export const modelTexts = {
  'model.drop': 'Drop a model folder here',
  'model.dropHint': 'It is read from your disk and not uploaded.',
  'model.chooseFolder': 'Choose model folder',
  'model.chooseFiles': 'Choose model files',
  'model.opening': 'Opening {name}',
  'model.reopen': 'Open {name} again',
  'model.inShort': '{parameters} parameters, {size}',
  'model.family': 'Family',
  'model.parameters': 'Parameters',
  'model.size': 'Size on disk',
  'model.dtype': 'Stored as',
  'model.layers': 'Layers',
  'model.hidden': 'Hidden size',
  'model.vocabulary': 'Vocabulary',
  'model.context': 'Context',
  'model.tokens': { one: '{n} token', other: '{n} tokens' },
  'model.tied': 'tied',
  'model.tokenizer.model': 'Tokenizer and chat template found. Rows are written as the model expects them.',
  'model.tokenizer.fallback': 'Tokenizer found, no chat template: a plain one is used for conversations.',
  'model.tokenizer.none':
    'No tokenizer: only pre-tokenized rows (input_ids, labels) can be trained, and nothing can be tried here.',
  'model.quantized': 'Stored in 4 bits by {method}',
  'model.quantized.bitsandbytes': 'bitsandbytes',
  'model.quantized.gptq': 'GPTQ',
  'model.quantized.awq': 'AWQ',
  'model.quantizedHelp': 'It is trained on as it is: that is QLoRA, whatever the method says.',
  'model.files': { one: '{n} file', other: '{n} files' },
  'model.file': 'File',
  'model.fileSize': 'Size',
} as const satisfies Record<string, Phrase>;
