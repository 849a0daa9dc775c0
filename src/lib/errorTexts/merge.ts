import type { ErrorText } from './types.ts';

export const mergeErrors = {
  'merge.cancelled': {
    what: 'The merge was cancelled. What it has written is marked as unfinished.',
    next: 'Start the same merge again, to the same place, to go on from there.',
  },
  'merge.destination_not_empty': {
    what: 'The destination already holds “{file}”, which a merge does not overwrite.',
    next: 'Choose an empty folder.',
  },
  'merge.base_quantized': {
    what: 'The model is quantized ({method}): the original weights are not in it.',
    next: 'Give the original 16-bit model, or merge onto the dequantized weights (--onto dequantized).',
  },
  'merge.already_quantized': {
    what: 'The model is quantized already ({method}).',
    next: 'Give the original 16-bit model.',
  },
  'merge.bias_without_place': {
    what: 'Tensor “{tensor}” is a bias, not all zero, that only the quantized format has a place for.',
    next: 'Merge onto the original 16-bit model, or publish the adapter beside the quantized one.',
  },
  'merge.trained_floats_only': {
    what: 'Every parameter of this model was trained, and such a model is written in floats only.',
    next: 'Write it in floats, then make 4 bits of that folder (graft quantize).',
  },
  'merge.proof_failed': {
    what: 'The merged model was written and read back, but it is not what it should be: {detail}.',
    next: 'Do not use it. Merge again, to another disk if it happens twice.',
  },
} satisfies Record<string, ErrorText>;
