import { encodings } from '../../../content/data/files/encoding.ts';
import type { FloatDtype } from '../../../content/formats/dtypes.ts';
import { bytes, choice, flag, name, optional, required } from './options.ts';

/** Options of every command that reads from a Hub. */
export const hubOptions = {
  endpoint: optional('Model', 'URL', 'A mirror of the Hub, for hf: names. It gets no token.'),
  tokenForEndpoint: flag('Model', 'Sends $HF_TOKEN to --endpoint.'),
};

/** Options of every command that takes a model. */
export const modelOptions = {
  model: required(
    'Model',
    'DIR',
    'A Hugging Face folder, a GGUF file, hf:org/name[@revision], which is downloaded once, or ollama:name[:tag].',
  ),
  ...hubOptions,
};

export const adapterOption = optional('Model', 'DIR', 'A PEFT folder to apply to the model.');
export const dtypeOption = choice('Model', ['f32', 'f16'], 'Type of the activations.');

/** How weights are held on the GPU, where no recipe says so. */
export const quantOptions = {
  dtype: dtypeOption,
  quant: choice('Model', ['none', 'nf4'], 'Quantizes the weights as they are loaded.'),
  doubleQuant: flag('Model', 'Quantizes the absmax of --quant nf4 too.'),
};

const dataHelp =
  'JSONL, JSON, CSV, Parquet or text, also as .gz or .zst, or hf:datasets/org/name[@revision]/path.';
export const dataOption = required('Data', 'FILE', dataHelp);
export const optionalData = optional('Data', 'FILE', dataHelp);
export const rowsFieldOption = optional(
  'Data',
  'NAME',
  'The list of rows in a JSON object; found by itself where not given.',
);
export const encodingOption = name(
  'Data',
  encodings,
  'The character encoding of a text file, such as gb18030 or windows-1252; recognized by itself where not given.',
);
export const optionalMask = {
  ...choice(
    'Data',
    ['assistant', 'all', 'last', 'chatml'],
    'Which tokens have a loss; by default as the recipe says.',
  ),
  defaultText: null,
};
export const maskOption = choice('Data', ['assistant', 'all', 'last', 'chatml'], 'Which tokens have a loss.');

/** The dtypes of a merged folder, as `dtypeOf` reads them. */
export const mergedDtypes = ['stored', 'bf16', 'f16', 'f32'] as const;

/** The dtype that is chosen for all floats; null leaves each its own. */
export function dtypeOf(name: string): FloatDtype | null {
  return name === 'stored' ? null : (name.toUpperCase() as FloatDtype);
}

export const objectiveOption = optional(
  'Training',
  'NAME',
  'sft, dpo, orpo, simpo, cpo or kto: learn answers, or which of them are better. Overrides the recipe.',
);
export const recipeOption = optional(
  'Training',
  'FILE',
  'A recipe as JSON, or a shell script that calls finetune.py; each key has a default.',
);
export const shardOption = bytes('Output', '4096MB', 'The most bytes of weights a file holds.');

/** The form of weights that `quantOptions` ask for. */
export function weightsOf({
  dtype,
  quant,
  doubleQuant,
}: {
  dtype: 'f32' | 'f16';
  quant: 'none' | 'nf4';
  doubleQuant: boolean;
}) {
  return {
    dtype,
    method: quant === 'nf4' ? 'qlora' : 'lora',
    double_quant: doubleQuant,
    head: 'stored',
    memory_budget: 0,
  } as const;
}
