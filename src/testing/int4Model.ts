import { encodeFloats } from '../base/lib/floats.ts';
import { createRandom } from '../base/lib/random.ts';
import type { MemoryFolder } from '../base/storage/memoryFolder.ts';
import { tinyModel, type TinyTensor } from './tinyModel.ts';

const groupSize = 8;

/** `quantization_config` of a tiny GPTQ or AWQ model. */
const configs = {
  gptq: { quant_method: 'gptq', bits: 4, group_size: groupSize, sym: false, desc_act: false },
  awq: { quant_method: 'awq', bits: 4, group_size: groupSize, zero_point: true, version: 'gemm' },
};

/**
 * A tiny model whose linear layers are random GPTQ or AWQ codes: any bits are valid.
 * @param bias value of the bias that GPTQ writes for each layer even if the model has none
 */
export function int4Model(
  kind: 'gptq' | 'awq',
  { bias = 0, ...options }: { bias?: number; files?: Record<string, string>; dtype?: string } = {},
): MemoryFolder {
  const random = createRandom(11);
  const words = (length: number) => Uint32Array.from({ length }, () => random.below(2 ** 32));
  const quantize = ({ name, shape }: TinyTensor): TinyTensor[] => {
    const module = name.replace(/\.weight$/, '');
    const [rows, cols] = shape as [number, number];
    const groups = cols / groupSize;
    const ints = (suffix: string, dims: number[], values: Uint32Array<ArrayBuffer>): TinyTensor => ({
      name: `${module}.${suffix}`,
      dtype: 'I32',
      shape: dims,
      bytes: new Uint8Array(values.buffer),
    });
    const scales = Float32Array.from({ length: groups * rows }, () => 0.01 + 0.05 * random.next());
    const codes = kind === 'gptq' ? [cols / 8, rows] : [cols, rows / 8];
    const tensors = [
      ints('qweight', codes, words((rows * cols) / 8)),
      ints('qzeros', [groups, rows / 8], words((groups * rows) / 8)),
      { name: `${module}.scales`, dtype: 'F16', shape: [groups, rows], bytes: encodeFloats(scales, 'F16') },
    ];
    if (kind === 'awq') return tensors;
    const order = Uint32Array.from({ length: cols }, (_, i) => Math.floor(i / groupSize));
    const values = new Float32Array(rows).fill(bias);
    return [
      { name: `${module}.bias`, dtype: 'F16', shape: [rows], bytes: encodeFloats(values, 'F16') },
      ints('g_idx', [cols], order),
      ...tensors,
    ];
  };
  const config = { quantization_config: configs[kind], torch_dtype: 'float16' };
  return tinyModel({
    dtype: 'F16',
    ...options,
    config,
    edit: (tensors) =>
      tensors.flatMap((tensor) => (tensor.name.includes('_proj.weight') ? quantize(tensor) : [tensor])),
  });
}
