import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fail, scratchFolder } from '../../../testing/cli.ts';
import { modelPath } from '../../../testing/fixtures.ts';
import { copyFolder, editFolder, withFields, withHeader, type Edit } from '../../../testing/folders.ts';
import { writeTinyStories } from '../../../testing/tinyStories.ts';

const scratch = scratchFolder();
const tinyStories = writeTinyStories(scratch);
const data = join(scratch, 'rows.jsonl');
writeFileSync(data, '{"input_ids": [1, 2, 3, 4], "labels": [-100, 2, 3, 4]}\n');

const config = 'config.json';
const weights = 'model.safetensors';
const index = 'model.safetensors.index.json';
const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1044992\n';
const page = '<!DOCTYPE html>\n<html><head><title>Log in</title></head></html>';

let made = 0;
const newPath = () => join(scratch, `${(made += 1)}`);

/** Trains on a model folder, which must fail before anything is written; the line it says. */
async function failOn(model: string): Promise<string> {
  const out = newPath();
  const line = await fail(['train', '--model', model, '--data', data, '--out', out]);
  expect(existsSync(out)).toBe(false);
  return line;
}

const failWith = (edits: Record<string, Edit>, base = tinyStories) =>
  failOn(copyFolder(base, newPath(), edits));

describe.concurrent('a folder that is no model', () => {
  it('is told from a missing one and from a file', async () => {
    const missing = join(scratch, 'nowhere');
    expect(await failOn(missing)).toBe(`Folder “${missing}” does not exist. Check the path.`);
    expect(await failOn(data)).toBe(`“${data}” is not a folder. Use the path of a folder.`);
    const empty = editFolder(newPath(), {});
    expect(await failOn(empty)).toMatch(`“config.json” is not in ${empty}.`);
  });
});

describe.concurrent('config.json', () => {
  it.each<[string, Edit, string | RegExp]>([
    ['that is cut off', '{"hidden_size": 64,', 'File “config.json” is not valid JSON: '],
    ['that is empty', '', 'File “config.json” is not valid JSON: '],
    ['that is a list', '[1]', 'File “config.json” contains a list instead of a JSON object.'],
    [
      'that is not UTF-8',
      Buffer.of(0x7b, 0xff),
      'File “config.json” is not valid UTF-8 (first invalid byte at offset 1)',
    ],
    ['that is a web page', page, 'File “config.json” is a web page'],
    ['that is a Git LFS pointer', pointer, 'File “config.json” is a Git LFS pointer'],
    [
      'of another architecture',
      withFields({ architectures: ['GPT2LMHeadModel'], model_type: 'gpt2' }),
      'The architecture in config.json, "GPT2LMHeadModel", is not supported. Choose a model of one of these',
    ],
    ['without a key', withFields({ hidden_size: undefined }), 'config.json has no "hidden_size".'],
    [
      'with a key of the wrong type',
      withFields({ num_hidden_layers: '5' }),
      '"num_hidden_layers" in config.json is "5", but must be a positive whole number.',
    ],
    [
      'with heads that do not divide',
      withFields({ num_key_value_heads: 3 }),
      '"num_key_value_heads" in config.json is 3, but must be a divisor of num_attention_heads (8).',
    ],
    [
      'with RoPE that is not known',
      withFields({ rope_scaling: { rope_type: 'spiral', factor: 4 } }),
      '"rope_scaling.rope_type" in config.json is "spiral"',
    ],
    [
      'quantized in a way that is not known',
      withFields({ quantization_config: { quant_method: 'aqlm' } }),
      'The model is quantized with "aqlm" (config.json), which Graft does not support.',
    ],
    [
      'with more layers than there are',
      withFields({ num_hidden_layers: 1e9 }),
      'do not contain tensor "model.layers.5.self_attn.q_proj.weight", which config.json requires.',
    ],
    [
      'with fewer layers than there are',
      withFields({ num_hidden_layers: 4 }),
      /contain tensor "model\.layers\.4\..*", which does not belong to the model in config\.json\. Check "num_hidden_layers"/,
    ],
    [
      'with another vocabulary',
      withFields({ vocab_size: 600 }),
      'Tensor "model.embed_tokens.weight" has shape [512, 64], but config.json requires [600, 64].',
    ],
  ])('%s is named', async (_, edit, text) => {
    const line = await failWith({ [config]: edit });
    expect(line).toMatch(text);
  });
});

const rename = (name: string) =>
  withHeader((json) => json.replace('model.layers.0.input_layernorm.weight', name));
const replace = (from: string, to: string) => withHeader((json) => json.replace(from, to));

describe.concurrent('model.safetensors', () => {
  it.each<[string, Edit, string]>([
    ['that is not there', null, ' contains no safetensors file.'],
    ['of 5 bytes', (bytes) => bytes.subarray(0, 5), 'File “model.safetensors” has 5 bytes, too few'],
    [
      'cut off in its data',
      (bytes) => bytes.subarray(0, 900_000),
      'tensor “model.layers.4.mlp.down_proj.weight” ends at byte 902400, but the file has only 895136 bytes of data. The file is incomplete',
    ],
    [
      'cut off in its header',
      (bytes) => bytes.subarray(0, 900),
      'File “model.safetensors” declares a header of 4856 bytes, but has only 900 bytes in total.',
    ],
    [
      'with a header of 2^63 bytes',
      (bytes) => Buffer.concat([Buffer.of(0, 0, 0, 0, 0, 0, 0, 0x80), bytes.subarray(8)]),
      'declares a header of 9223372036854775808 bytes, but has only 1044992',
    ],
    [
      'with a header cut short',
      withHeader((json) => json.trimEnd().slice(0, -2)),
      'The header of “model.safetensors” is not valid JSON: ',
    ],
    [
      'with offsets that overlap',
      replace('[131072,131328]', '[131068,131324]'),
      'tensor “model.layers.0.input_layernorm.weight” starts at byte 131068, inside tensor “model.embed_tokens.weight”.',
    ],
    [
      'with a hole',
      replace('[0,131072]', '[4,131076]'),
      'tensor “model.embed_tokens.weight” starts at byte 4, which leaves a gap',
    ],
    [
      'with bytes after its end',
      (bytes) => Buffer.concat([bytes, Buffer.alloc(3)]),
      'has 3 bytes after its last tensor, “model.norm.weight”.',
    ],
    [
      'with a swapped shape',
      replace('"shape":[64,172]', '"shape":[172,64]'),
      'Tensor "model.layers.0.mlp.down_proj.weight" has shape [172, 64], but config.json requires [64, 172].',
    ],
    [
      'with a shape that does not fit its bytes',
      replace('"shape":[64,172]', '"shape":[64,173]'),
      'tensor “model.layers.0.mlp.down_proj.weight” has 44032 bytes, but F32 [64, 173] needs 44288.',
    ],
    [
      'with a name twice',
      rename('model.embed_tokens.weight'),
      'tensor “model.embed_tokens.weight” starts at byte 131072, which leaves a gap after byte 0.',
    ],
    [
      'with a name twice, once escaped',
      rename(String.raw`model.embed_tokens.w\u0065ight`),
      'tensor “model.embed_tokens.weight” starts at byte 131072, which leaves a gap after byte 0.',
    ],
    [
      'with an offset above 2^53',
      replace('[0,131072]', '[0,9007199254740993]'),
      'contains 9007199254740992, which is above 2^53',
    ],
    [
      'with a shape beyond counting',
      replace('"shape":[512,64]', '"shape":[4294967296,4294967296]'),
      'the shape [4294967296, 4294967296] of tensor “model.embed_tokens.weight” has too many elements.',
    ],
    [
      'with a tensor called __proto__ in place of another',
      rename('__proto__'),
      'do not contain tensor "model.layers.0.input_layernorm.weight", which config.json requires.',
    ],
    [
      'with a dtype that is not computed with',
      replace('"F32","shape":[512,64]', '"I32","shape":[512,64]'),
      'Tensor "model.embed_tokens.weight" is stored as I32, which Graft does not support. Choose a model in F32',
    ],
    [
      'that is a Git LFS pointer',
      pointer,
      'File “model.safetensors” is a Git LFS pointer, not the file itself. Run “git lfs pull”',
    ],
    ['that is a web page', page, 'File “model.safetensors” is a web page, not the file itself'],
    [
      'that is an answer of a server',
      '{"error": "Access is restricted"}',
      'File “model.safetensors” is JSON or text',
    ],
    ['that is GGUF', 'GGUF\u0003\0\0\0\0\0\0\0\0\0', 'File “model.safetensors” is a GGUF file'],
  ])('%s is named', async (_, edit, text) => {
    expect(await failWith({ [weights]: edit })).toContain(text);
  });

  it('is not read from a pickle', async () => {
    const line = await failWith({ [weights]: null, 'pytorch_model.bin': 'x' });
    expect(line).toContain('are stored as pytorch_model.bin, a pickle, which can run code when opened.');
  });
});

/** An edit of the index that places the head in `shard`, or leaves it out. */
const placeHead = (shard?: string): Edit => {
  return (bytes) => {
    const json = JSON.parse(bytes.toString()) as { weight_map: Record<string, string | undefined> };
    json.weight_map['lm_head.weight'] = shard;
    return JSON.stringify(json);
  };
};

describe.concurrent('the index of shards', () => {
  it.each<[string, Record<string, Edit>, string]>([
    ...['../x.safetensors', '//host/x.safetensors', '%2e%2e/x.safetensors'].map(
      (shard): [string, Record<string, Edit>, string] => [
        `that names ${shard}`,
        { [index]: placeHead(shard) },
        `maps tensor “lm_head.weight” to “${shard}”, which is not a plain safetensors file name. Do not trust`,
      ],
    ),
    [
      'that names a missing shard',
      { 'model-00002-of-00002.safetensors': null },
      'lists shard “model-00002-of-00002.safetensors”, which is not in the folder. Add the missing file.',
    ],
    [
      'beside a shard too many',
      { 'model-00003-of-00003.safetensors': 'x' },
      'The folder contains shard “model-00003-of-00003.safetensors”, which the index',
    ],
    [
      'that is cut off',
      { [index]: '{"weight_map": {' },
      'The index “model.safetensors.index.json” is not valid: ',
    ],
    ['that is a web page', { [index]: page }, 'File “model.safetensors.index.json” is a web page'],
    [
      'that leaves a tensor out',
      { [index]: placeHead() },
      'Shard “model-00001-of-00002.safetensors” contains tensor “lm_head.weight”, which the index',
    ],
    [
      'that places a tensor elsewhere',
      { [index]: placeHead('model-00002-of-00002.safetensors') },
      'tensor “lm_head.weight”',
    ],
  ])('%s is named', async (_, edits, text) => {
    expect(await failWith(edits, modelPath('tiny-qwen2'))).toContain(text);
  });
});
