import { describe, expect, it } from 'vitest';
import { expectGraftError } from '../../../testing/errors.ts';
import { parseQuantization } from './quantizationConfig.ts';

describe('parseQuantization', () => {
  it.each<[string, unknown, unknown]>([
    [
      'of transformers with nf4',
      {
        _load_in_4bit: true,
        _load_in_8bit: false,
        bnb_4bit_compute_dtype: 'bfloat16',
        bnb_4bit_quant_storage: 'uint8',
        bnb_4bit_quant_type: 'nf4',
        bnb_4bit_use_double_quant: true,
        llm_int8_skip_modules: ['lm_head'],
        load_in_4bit: true,
        load_in_8bit: false,
        quant_method: 'bitsandbytes',
      },
      { method: 'bitsandbytes', codebook: 'nf4', doubleQuant: true, skip: ['lm_head'] },
    ],
    [
      'of early bitsandbytes',
      { load_in_4bit: true, load_in_8bit: false, llm_int8_skip_modules: null },
      { method: 'bitsandbytes', codebook: 'fp4', doubleQuant: false, skip: [] },
    ],
    [
      'of Qwen’s Int4 chat models',
      {
        bits: 4,
        group_size: 128,
        damp_percent: 0.01,
        desc_act: false,
        static_groups: false,
        sym: true,
        true_sequential: true,
        model_name_or_path: null,
        model_file_base_name: 'model',
        quant_method: 'gptq',
      },
      { method: 'gptq', groupSize: 128, symmetric: true, version: 'v1' },
    ],
    [
      'of GPTQModel, v2',
      {
        bits: 4,
        group_size: -1,
        desc_act: true,
        sym: false,
        quant_method: 'gptq',
        checkpoint_format: 'gptq_v2',
        pack_dtype: 'int32',
      },
      { method: 'gptq', groupSize: null, symmetric: false, version: 'v2' },
    ],
    [
      'of transformers with AWQ',
      {
        quant_method: 'awq',
        bits: 4,
        group_size: 128,
        zero_point: true,
        version: 'gemm',
        modules_to_not_convert: ['gate'],
      },
      { method: 'awq', groupSize: 128, skip: ['gate'] },
    ],
    [
      'of AutoAWQ itself',
      { quant_method: 'awq', w_bit: 4, q_group_size: 64, zero_point: true, version: 'GEMM' },
      { method: 'awq', groupSize: 64, skip: [] },
    ],
  ])('reads the one %s', (_, json, expected) => {
    expect(parseQuantization(json)).toEqual(expected);
  });

  it.each<[unknown, string]>([
    [{ quant_method: 'hqq' }, '"hqq"'],
    [{ quant_method: 7 }, '7'],
    [{ bits: 4 }, 'an unnamed method'],
    [null, 'null'],
    ['gptq', '"gptq"'],
    [['gptq'], '["gptq"]'],
  ])('refuses %j and says what works', async (json, method) => {
    await expectGraftError(() => parseQuantization(json), 'formats.quant_method', {
      method,
      known: 'bitsandbytes 4-bit (nf4, fp4), GPTQ int4 or AWQ int4 (gemm)',
    });
  });

  const bnb = { quant_method: 'bitsandbytes', load_in_4bit: true };
  const gptq = { quant_method: 'gptq', bits: 4, group_size: 128 };
  const awq = { quant_method: 'awq', bits: 4, group_size: 128 };

  it.each<[object, object, string, string]>([
    [bnb, { load_in_4bit: false, load_in_8bit: true }, 'load_in_8bit', 'true'],
    [bnb, { load_in_4bit: false, _load_in_8bit: true }, 'load_in_8bit', 'true'],
    [bnb, { load_in_4bit: undefined }, 'load_in_4bit', 'missing'],
    [bnb, { load_in_4bit: 'yes' }, 'load_in_4bit', '"yes"'],
    [bnb, { bnb_4bit_quant_type: 'int4' }, 'bnb_4bit_quant_type', '"int4"'],
    [bnb, { bnb_4bit_quant_storage: 'bfloat16' }, 'bnb_4bit_quant_storage', '"bfloat16"'],
    [bnb, { llm_int8_skip_modules: 'lm_head' }, 'llm_int8_skip_modules', '"lm_head"'],
    [gptq, { bits: 8 }, 'bits', '8'],
    [gptq, { bits: undefined }, 'bits', 'missing'],
    [gptq, { group_size: 0 }, 'group_size', '0'],
    [gptq, { group_size: 12.5 }, 'group_size', '12.5'],
    [gptq, { sym: 'true' }, 'sym', '"true"'],
    [gptq, { checkpoint_format: 'marlin' }, 'checkpoint_format', '"marlin"'],
    [gptq, { format: 'gptq_p' }, 'format', '"gptq_p"'],
    [gptq, { is_marlin_format: true }, 'is_marlin_format', 'true'],
    [awq, { bits: 3 }, 'bits', '3'],
    [awq, { version: 'gemv' }, 'version', '"gemv"'],
    [awq, { format: 'llm-awq' }, 'format', '"llm-awq"'],
    [awq, { zero_point: false }, 'zero_point', 'false'],
    [awq, { group_size: '128' }, 'group_size', '"128"'],
    [awq, { modules_to_not_convert: [1] }, 'modules_to_not_convert', '[1]'],
  ])('refuses %j with %j', async (json, change, field, found) => {
    await expectGraftError(() => parseQuantization({ ...json, ...change }), 'formats.quant_field', {
      field,
      found,
    });
  });
});
