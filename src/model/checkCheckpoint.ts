import type { Checkpoint } from '../formats/checkpoint.ts';
import { describeMatrix, tensorsOfMatrix } from '../formats/quantized/describe.ts';
import type { Quantization, StoredMatrix } from '../formats/quantized/types.ts';
import { clip, shapeText } from '../formats/safetensorsHeader.ts';
import { GraftError } from '../lib/errors.ts';
import { floatFormat } from './floatFormat.ts';
import { matricesOf, vectorsOf, type DecoderSpec } from './spec.ts';

/** What older files store in blocks, and which follows from the config: frequencies of RoPE, the causal mask. */
const DERIVED = /\.(?:rotary_emb\.inv_freq|attn\.bias|attn\.masked_bias)$/;

/**
 * Compares the headers of a checkpoint with what its config calls for, before a byte of weights is read.
 * A block may hold nothing else: a bias or a layer that the config forgets would be left out of the sums in
 * silence. Outside of the blocks other tensors may be there: a tied model's file may store the head all the same.
 * Quantized layers may have a bias that the config does not call for: GPTQ writes one for each.
 * @returns where each matrix is stored by the headers, by module
 * Throws `model.tensor_missing`, `model.tensor_shape`, `model.tensor_dtype`, `model.tensor_unexpected`, and
 * `formats.quant_*` of `describeMatrix`.
 */
export function checkCheckpoint(
  spec: DecoderSpec,
  checkpoint: Checkpoint,
  quantization: Quantization | null,
): Map<string, StoredMatrix> {
  const wanted = new Set<string>();
  const matrices = new Map<string, StoredMatrix>();
  for (const { module, rows, cols } of matricesOf(spec)) {
    const stored = describeMatrix(checkpoint, quantization, module, rows, cols);
    matrices.set(module, stored);
    for (const name of tensorsOfMatrix(stored)) wanted.add(name);
    const bias = `${module}.bias`;
    if (stored.kind === 'float' || !checkpoint.tensors.has(bias)) continue;
    checkVector(checkpoint, bias, rows);
    wanted.add(bias);
  }
  for (const { name, length } of vectorsOf(spec)) {
    checkVector(checkpoint, name, length);
    wanted.add(name);
  }
  for (const name of checkpoint.tensors.keys()) {
    if (!name.startsWith(`${spec.names.blocks}.`) || wanted.has(name) || DERIVED.test(name)) continue;
    throw new GraftError('model.tensor_unexpected', { tensor: clip(name), key: keyBehind(spec, name) });
  }
  return matrices;
}

function checkVector(checkpoint: Checkpoint, name: string, length: number): void {
  const found = checkpoint.tensors.get(name);
  if (!found) throw new GraftError('model.tensor_missing', { tensor: name });
  const { shape } = found.info;
  if (shape.length !== 1 || shape[0] !== length) {
    const shapes = { actual: shapeText(shape), expected: shapeText([length]) };
    throw new GraftError('model.tensor_shape', { tensor: name, ...shapes });
  }
  floatFormat(found.info);
}

/** The key of config.json that decides whether a block has this tensor. */
function keyBehind(spec: DecoderSpec, tensor: string): string {
  const [layer] = tensor.slice(spec.names.blocks.length + 1).split('.');
  if (Number(layer) >= spec.layers) return 'num_hidden_layers';
  if (!tensor.endsWith('.bias')) return 'architectures';
  return tensor.includes('.mlp.') ? 'mlp_bias' : 'attention_bias';
}
