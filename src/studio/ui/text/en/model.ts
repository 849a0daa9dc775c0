import type { Phrase } from '../phrase.ts';

/** Step 1: the model. */
export const modelTexts = {
  'model.ownFolder': 'From your disk',
  'model.drop': 'Drop a model folder or a GGUF file here',
  'model.dropHint': 'Read from your disk, never uploaded.',
  'model.chooseFolder': 'Choose model folder',
  'model.chooseFiles': 'Choose model files',
  'model.another': 'Choose another',
  'model.opening': 'Opening {name}',
  'model.reopen': 'Reopen {name}',
  'model.inShort': '{parameters} parameters, {size}',
  'model.family': 'Family',
  'model.parameters': 'Parameters',
  'model.size': 'Size on disk',
  'model.dtype': 'Dtype',
  'model.layers': 'Layers',
  'model.hidden': 'Hidden size',
  'model.vocabulary': 'Vocabulary',
  'model.context': 'Context length',
  'model.tokens': { one: '{n} token', other: '{n} tokens' },
  'model.tied': 'tied',
  'model.tokenizer.model': 'Tokenizer and chat template found. Rows are formatted as the model expects.',
  'model.tokenizer.fallback': 'Tokenizer found, but no chat template: conversations use a plain one.',
  'model.tokenizer.none':
    'No tokenizer: only pre-tokenized rows (input_ids, labels) can be trained, and the model can’t be tried here.',
  'model.quantized': 'Quantized to 4 bits ({method})',
  'model.quantized.bitsandbytes': 'bitsandbytes',
  'model.quantized.gptq': 'GPTQ',
  'model.quantized.awq': 'AWQ',
  'model.gguf': 'From a GGUF file ({types})',
  'model.ggufUnpacked':
    'Its quantized weights are unpacked to 16 bits as they are read. A QLoRA recipe turns them into 4-bit NF4.',
  'model.ggufPlain': 'Its weights are read as they are.',
  'model.quantizedHelp':
    'Training uses these weights as they are: that is QLoRA, whatever method is selected.',
  'model.files': { one: '{n} file', other: '{n} files' },
  'model.file': 'File',
  'model.fileSize': 'Size',
  'model.starter': 'Starter model',
  'model.starterHelp':
    'Included with this page: 1M parameters, 2 MB, English. It knows a small village and answers simple questions.',
  'model.useStarter': 'Use it',
} as const satisfies Record<string, Phrase>;
