import { GraftError } from '../../../base/lib/errors.ts';
import { shortJson } from '../../../base/lib/shortJson.ts';
import type { Codebook, Quantization } from './types.ts';

type Fields = Record<string, unknown>;

const known = 'bitsandbytes 4-bit (nf4, fp4), GPTQ int4 or AWQ int4 (gemm)';

/**
 * Reads the `quantization_config` object of config.json, as transformers, AutoGPTQ, GPTQModel and AutoAWQ write it.
 * Throws `formats.quant_method` for a method that is not among the known ones, and `formats.quant_field` for a
 * setting that Graft does not read.
 */
export function parseQuantization(json: unknown): Quantization {
  if (!isFields(json)) throw new GraftError('formats.quant_method', { method: show(json), known });
  // Early bitsandbytes configs name no method.
  const method = json.quant_method ?? (loadsBits(json, 4) || loadsBits(json, 8) ? 'bitsandbytes' : undefined);
  if (method === 'bitsandbytes') return parseBitsandbytes(json);
  if (method === 'gptq') return parseGptq(json);
  if (method === 'awq') return parseAwq(json);
  const name = method === undefined ? 'an unnamed method' : show(method);
  throw new GraftError('formats.quant_method', { method: name, known });
}

function parseBitsandbytes(json: Fields): Quantization {
  if (loadsBits(json, 8)) refuse('load_in_8bit', true, '4 bits: "load_in_4bit": true');
  if (!loadsBits(json, 4)) refuse('load_in_4bit', json.load_in_4bit, '4 bits: "load_in_4bit": true');
  const codebook = json.bnb_4bit_quant_type ?? 'fp4';
  if (!isCodebook(codebook)) refuse('bnb_4bit_quant_type', codebook, '"nf4" and "fp4"');
  const storage = json.bnb_4bit_quant_storage ?? 'uint8';
  if (storage !== 'uint8') refuse('bnb_4bit_quant_storage', storage, '"uint8"');
  return {
    method: 'bitsandbytes',
    codebook,
    doubleQuant: flag(json, 'bnb_4bit_use_double_quant', false),
    skip: names(json, 'llm_int8_skip_modules'),
  };
}

function parseGptq(json: Fields): Quantization {
  if (json.bits !== 4) refuse('bits', json.bits, '4');
  if (flag(json, 'is_marlin_format', false)) refuse('is_marlin_format', true, 'false');
  // Writers before AutoGPTQ 0.7 name no format: it is v1.
  const field = isGiven(json.checkpoint_format) ? 'checkpoint_format' : 'format';
  const format = json[field] ?? 'gptq';
  if (format !== 'gptq' && format !== 'gptq_v2') refuse(field, format, '"gptq" and "gptq_v2"');
  flag(json, 'desc_act', false);
  return {
    method: 'gptq',
    groupSize: groupSize(json, 'group_size'),
    symmetric: flag(json, 'sym', true),
    version: format === 'gptq_v2' ? 'v2' : 'v1',
  };
}

function parseAwq(json: Fields): Quantization {
  const bits = json.bits === undefined ? 'w_bit' : 'bits';
  if (json[bits] !== 4) refuse(bits, json[bits], '4');
  const field = isGiven(json.version) ? 'version' : 'format';
  const version = json[field] ?? 'gemm';
  if (typeof version !== 'string' || version.toLowerCase() !== 'gemm') refuse(field, version, '"gemm"');
  if (!flag(json, 'zero_point', true)) refuse('zero_point', false, 'true');
  return {
    method: 'awq',
    groupSize: groupSize(json, json.group_size === undefined ? 'q_group_size' : 'group_size'),
    skip: names(json, 'modules_to_not_convert'),
  };
}

/** transformers writes both `load_in_4bit` and `_load_in_4bit`. */
function loadsBits(json: Fields, bits: 4 | 8): boolean {
  return flag(json, `load_in_${bits}bit`, false) || flag(json, `_load_in_${bits}bit`, false);
}

function groupSize(json: Fields, field: string): number | null {
  const value = json[field] ?? 128;
  if (value === -1) return null;
  if (!Number.isSafeInteger(value) || (value as number) <= 0)
    refuse(field, value, 'a whole number above 0, or -1');
  return value as number;
}

function flag(json: Fields, field: string, absent: boolean): boolean {
  const value = json[field] ?? absent;
  if (typeof value !== 'boolean') refuse(field, value, 'true or false');
  return value;
}

function names(json: Fields, field: string): string[] {
  const value = json[field] ?? [];
  const isNames = Array.isArray(value) && value.every((name) => typeof name === 'string');
  if (!isNames) refuse(field, value, 'a list of module names');
  return value as string[];
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isCodebook(value: unknown): value is Codebook {
  return value === 'nf4' || value === 'fp4';
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuse(field: string, value: unknown, expected: string): never {
  throw new GraftError('formats.quant_field', { field, found: show(value), expected });
}

function show(value: unknown): string {
  return value === undefined ? 'missing' : shortJson(value);
}
