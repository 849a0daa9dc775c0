import {
  nestedMapBytes,
  nf4Entries,
  nf4Names,
  quantMapBytes,
  quantStateBytes,
} from '../content/formats/quantized/bnbWriter.ts';
import { tensorBytes } from '../content/formats/safetensorsLayout.ts';
import { createRandom } from '../base/lib/random.ts';
import type { TinyTensor } from './tinyModel.ts';

/** For `tinyModel`: `quantization_config` of config.json, and the change to the tensors. */
interface QuantizedOptions {
  config: Record<string, unknown>;
  edit(tensors: TinyTensor[]): TinyTensor[];
}

/** Linear layers of random codes in bitsandbytes' format. */
export function bnbModel(nested: boolean): QuantizedOptions {
  const random = createRandom(1);
  return {
    config: {
      quantization_config: {
        quant_method: 'bitsandbytes',
        load_in_4bit: true,
        bnb_4bit_quant_type: 'nf4',
        bnb_4bit_use_double_quant: nested,
      },
    },
    edit: replaceLinears(({ name: tensor, shape: [rows = 0, cols = 0] }) => {
      const shape = { tensor, rows, cols, dtype: 'F32' as const, nested };
      const names = nf4Names(tensor);
      const known: Record<string, Uint8Array<ArrayBuffer>> = {
        [names.map]: quantMapBytes(),
        [names.nestedMap]: nestedMapBytes(),
        [names.state]: quantStateBytes(shape, nested ? 0.1 : null),
      };
      return nf4Entries(shape).map((entry) => {
        const bytes = known[entry.name] ?? new Uint8Array(tensorBytes(entry));
        if (entry.dtype === 'U8' && !known[entry.name])
          bytes.forEach((_, i) => (bytes[i] = random.below(256)));
        return { ...entry, shape: [...entry.shape], bytes };
      });
    }),
  };
}

/**
 * Linear layers of zeros in GPTQ's format.
 * @param ordered whether groups of inputs are in order
 */
export function gptqModel(groupSize: number, ordered: boolean): QuantizedOptions {
  return {
    config: { quantization_config: { quant_method: 'gptq', bits: 4, group_size: groupSize, sym: false } },
    edit: replaceLinears(({ name, shape: [rows = 0, cols = 0] }) => {
      const module = name.replace(/\.weight$/, '');
      const groups = Math.ceil(cols / groupSize);
      const group = (i: number) => Math.floor((ordered ? i : cols - 1 - i) / groupSize);
      const index = Int32Array.from({ length: cols }, (_, i) => group(i));
      const entries = [
        { name: `${module}.qweight`, dtype: 'I32', shape: [cols / 8, rows] },
        { name: `${module}.qzeros`, dtype: 'I32', shape: [groups, rows / 8] },
        { name: `${module}.scales`, dtype: 'F16', shape: [groups, rows] },
      ].map((entry) => ({ ...entry, bytes: new Uint8Array(tensorBytes(entry)) }));
      const bytes = new Uint8Array(index.buffer);
      return [...entries, { name: `${module}.g_idx`, dtype: 'I32', shape: [cols], bytes }];
    }),
  };
}

/** Linear layers of zeros in AWQ's format. */
export function awqModel(groupSize: number): QuantizedOptions {
  return {
    config: {
      quantization_config: {
        quant_method: 'awq',
        bits: 4,
        group_size: groupSize,
        zero_point: true,
        version: 'gemm',
      },
    },
    edit: replaceLinears(({ name, shape: [rows = 0, cols = 0] }) => {
      const module = name.replace(/\.weight$/, '');
      const groups = Math.ceil(cols / groupSize);
      return [
        { name: `${module}.qweight`, dtype: 'I32', shape: [cols, rows / 8] },
        { name: `${module}.qzeros`, dtype: 'I32', shape: [groups, rows / 8] },
        { name: `${module}.scales`, dtype: 'F16', shape: [groups, rows] },
      ].map((entry) => ({ ...entry, bytes: new Uint8Array(tensorBytes(entry)) }));
    }),
  };
}

function replaceLinears(
  replace: (tensor: TinyTensor) => TinyTensor[],
): (tensors: TinyTensor[]) => TinyTensor[] {
  return (tensors) =>
    tensors.flatMap((tensor) => (tensor.name.endsWith('_proj.weight') ? replace(tensor) : [tensor]));
}
