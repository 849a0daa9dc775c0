import type { Checkpoint } from '../../../content/formats/checkpoint.ts';
import { describeMatrix, tensorsOfMatrix } from '../../../content/formats/quantized/describe.ts';
import type { Quantization, StoredMatrix } from '../../../content/formats/quantized/types.ts';
import { clip, shapeText } from '../../../content/formats/safetensorsHeader.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { floatFormat } from './floatFormat.ts';
import { matricesOf, smallTensorsOf, type DecoderSpec } from './spec.ts';

/**
 * Tensors that older files store in blocks although they follow from the config: RoPE frequencies and the causal mask.
 */
const DERIVED = /\.(?:rotary_emb\.inv_freq|attn\.bias|attn\.masked_bias)$/;

/**
 * Checks the headers of a checkpoint against its config, before any weights are read. A block may hold no other
 * tensors: a bias or a layer that the config does not declare would silently be ignored. Outside blocks extra tensors
 * are allowed: the file of a tied model may store the head anyway. Quantized layers may have a bias that the config
 * does not declare: GPTQ writes one for each. Throws `model.tensor_missing`, `model.tensor_shape`,
 * `model.tensor_dtype`, `model.tensor_unexpected`, and `formats.quant_*` of `describeMatrix`.
 * @returns how each matrix is stored, by module
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
    checkShape(checkpoint, bias, [rows]);
    wanted.add(bias);
  }
  for (const { name, shape } of smallTensorsOf(spec)) {
    checkShape(checkpoint, name, shape);
    wanted.add(name);
  }
  for (const name of checkpoint.tensors.keys()) {
    if (!name.startsWith(`${spec.names.blocks}.`) || wanted.has(name) || DERIVED.test(name)) continue;
    throw new GraftError('model.tensor_unexpected', { tensor: clip(name), key: keyBehind(spec, name) });
  }
  return matrices;
}

function checkShape(checkpoint: Checkpoint, name: string, expected: readonly number[]): void {
  const found = checkpoint.tensors.get(name);
  if (!found) throw new GraftError('model.tensor_missing', { tensor: name });
  const { shape } = found.info;
  if (shape.length !== expected.length || shape.some((size, i) => size !== expected[i])) {
    const shapes = { actual: shapeText(shape), expected: shapeText([...expected]) };
    throw new GraftError('model.tensor_shape', { tensor: name, ...shapes });
  }
  floatFormat(found.info);
}

/** The key of config.json that determines whether a block has this tensor. */
function keyBehind(spec: DecoderSpec, tensor: string): string {
  const [layer] = tensor.slice(spec.names.blocks.length + 1).split('.');
  if (Number(layer) >= spec.layers) return 'num_hidden_layers';
  if (!tensor.endsWith('.bias')) return 'architectures';
  if (tensor.includes('.conv.')) return 'conv_bias';
  return tensor.includes('.mlp.') ? 'mlp_bias' : 'attention_bias';
}
