import type { Checkpoint } from '../formats/checkpoint.ts';
import { clip, shapeText } from '../formats/safetensorsHeader.ts';
import { GraftError } from '../lib/errors.ts';
import { tensorsOf, type DecoderSpec } from './spec.ts';
import { floatFormat } from './floatFormat.ts';

/**
 * Compares the headers of a checkpoint with what its config calls for, before a byte of weights is read.
 * A block may hold nothing else: a bias or a layer that the config forgets would be left out of the sums in
 * silence. Outside of the blocks other tensors may be there: a tied model's file may store the head all the same.
 * Throws `model.tensor_missing`, `model.tensor_shape`, `model.tensor_dtype`, `model.tensor_unexpected`.
 */
export function checkCheckpoint(spec: DecoderSpec, checkpoint: Checkpoint): void {
  const wanted = new Set<string>();
  for (const { name, shape } of tensorsOf(spec)) {
    const found = checkpoint.tensors.get(name);
    if (!found) throw new GraftError('model.tensor_missing', { tensor: name });
    const { shape: actual } = found.info;
    if (actual.length !== shape.length || actual.some((n, i) => n !== shape[i])) {
      throw new GraftError('model.tensor_shape', {
        tensor: name,
        actual: shapeText(actual),
        expected: shapeText(shape),
      });
    }
    floatFormat(found.info);
    wanted.add(name);
  }
  for (const name of checkpoint.tensors.keys()) {
    // Older files store the frequencies of RoPE, which follow from the config.
    if (!name.startsWith('model.layers.') || wanted.has(name) || name.endsWith('.rotary_emb.inv_freq'))
      continue;
    throw new GraftError('model.tensor_unexpected', { tensor: clip(name), key: keyBehind(spec, name) });
  }
}

/** The key of config.json that decides whether a block has this tensor. */
function keyBehind(spec: DecoderSpec, tensor: string): string {
  if (Number(tensor.split('.')[2]) >= spec.layers) return 'num_hidden_layers';
  if (!tensor.endsWith('.bias')) return 'architectures';
  return tensor.includes('.mlp.') ? 'mlp_bias' : 'attention_bias';
}
