import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { concatBytes } from '../../../base/lib/bytes.ts';
import { bytesSource } from '../../../base/storage/byteSource.ts';
import type { ByteSource } from '../../../base/storage/types.ts';
import { Checkpoint } from '../../../content/formats/checkpoint.ts';
import { editJsonObject } from '../../../content/formats/jsonEdit.ts';
import { readAdapter } from '../../../content/formats/peft.ts';
import { targetedModules } from '../../../content/formats/peftTargets.ts';
import { compilePythonRegex, RegexError } from '../../../content/formats/pythonRegex.ts';
import { readQuantState } from '../../../content/formats/quantized/quantState.ts';
import { ggufFolder } from '../../../content/formats/gguf/ggufFolder.ts';
import { openGguf } from '../../../content/formats/gguf/ggufFile.ts';
import { openSafetensors } from '../../../content/formats/safetensors.ts';
import { parseSafetensorsHeader } from '../../../content/formats/safetensorsHeader.ts';
import { parseShardIndex } from '../../../content/formats/shardIndex.ts';
import { contentAt, readZipDirectory } from '../../../content/formats/zipReader.ts';
import { goldenPath, goldenRuns, modelPath } from '../../../testing/fixtures.ts';
import { tinyGguf } from '../../../testing/gguf.ts';
import { rawSafetensors } from '../../../testing/safetensors.ts';
import { memoryFolder } from '../../../testing/sources.ts';
import { exportedRun } from '../seedRuns.ts';
import { bytesOf, holds, textOf, type FuzzTarget } from '../target.ts';

const HEADER_WORDS = [
  '"__metadata__":',
  '"dtype":"F32"',
  '"BF16"',
  '"F4"',
  '"U8"',
  '"C64"',
  '"shape":[2,3]',
  '"data_offsets":[0,24]',
  '{"dtype":"F32","shape":[],"data_offsets":[0,4]},',
  '"\\u0061"',
];

const entry = (dtype: string, shape: readonly number[], offsets: readonly [number, number]) => ({
  dtype,
  shape,
  data_offsets: offsets,
});

const header = JSON.stringify({
  __metadata__: { format: 'pt' },
  'model.embed_tokens.weight': entry('F32', [2, 3], [0, 24]),
  b: entry('U8', [4], [24, 28]),
  empty: entry('I64', [0, 2], [28, 28]),
  half: entry('BF16', [2], [28, 32]),
});

/** Wraps a source so that no read may leave it. */
function bounded(source: ByteSource): ByteSource {
  const read: ByteSource['read'] = (offset, length) => {
    holds(offset >= 0 && offset + length <= source.size, `reads stay within ${source.size} bytes`);
    return source.read(offset, length);
  };
  return { ...source, read };
}

const adapterOf = (run: string, file: string) =>
  new Uint8Array(readFileSync(goldenPath(run, `init_adapter/${file}`)));

export const formatTargets: readonly FuzzTarget[] = [
  {
    name: 'gguf',
    text: false,
    quick: 300,
    dictionary: [
      'GGUF\x03\0\0\0',
      'general.architecture',
      'tokenizer.ggml.tokens',
      '\x09\0\0\0',
      '\xff\xff\xff\xff',
    ],
    seeds: async () => [tinyGguf(), tinyGguf().slice(0, 400)],
    async run(input) {
      const file = await openGguf(bounded(bytesSource('w.gguf', input)));
      let bytes = file.header.dataStart;
      for (const tensor of file.tensors.values())
        bytes += (await file.readRange(tensor, 0, tensor.end - tensor.begin)).byteLength;
      const hasData = [...file.tensors.values()].some(({ begin, end }) => end > begin);
      holds(!hasData || bytes <= input.length, 'tensors and header are within the file');
      const folder = await ggufFolder(bounded(bytesSource('w.gguf', input)));
      for (const name of await folder.list()) {
        const source = await folder.open(name);
        holds((await source.read(0, source.size)).byteLength === source.size, 'a file is as long as it says');
      }
    },
  },
  {
    name: 'safetensors',
    text: true,
    quick: 600,
    dictionary: HEADER_WORDS,
    seeds: async () => [
      rawSafetensors(header, 32),
      rawSafetensors(`${header}    `, 32),
      adapterOf('tiny-qwen2-lora', 'adapter_model.safetensors').slice(0, 20_000),
    ],
    async run(input) {
      const file = await openSafetensors(bounded(bytesSource('w.safetensors', input)));
      let bytes = file.dataStart;
      for (const name of file.tensors.keys()) bytes += (await file.read(name)).byteLength;
      holds(bytes === input.length, 'tensors and header are the whole file');
    },
  },
  {
    name: 'safetensors-header',
    text: true,
    quick: 600,
    dictionary: HEADER_WORDS,
    seeds: async () => [bytesOf(header)],
    run(input) {
      const { tensors } = parseSafetensorsHeader(input, 'w.safetensors', 32);
      let end = 0;
      for (const info of [...tensors.values()].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
        holds(info.begin === end && info.end >= end, 'tensors follow each other without gaps');
        end = info.end;
      }
      holds(end === 32, 'tensors cover the data');
    },
  },
  {
    name: 'index',
    text: true,
    quick: 600,
    dictionary: ['"weight_map":', '"../x.safetensors"', '"a/b.safetensors"', '.safetensors"', '"metadata":'],
    seeds: async () => [
      new Uint8Array(readFileSync(join(modelPath('tiny-qwen2'), 'model.safetensors.index.json'))),
      bytesOf('{"weight_map":{"a":"model-00001-of-00001.safetensors"}}'),
    ],
    run(input) {
      for (const shard of parseShardIndex(textOf(input), 'index.json').values())
        holds(/^[^./\\%][^/\\%]*\.safetensors$/.test(shard), 'shards are files of the folder');
    },
  },
  {
    name: 'peft-config',
    text: true,
    quick: 240,
    dictionary: [
      '"r":',
      '"rank_pattern":{"q_proj":3}',
      '"alpha_pattern":',
      '"target_modules":"all-linear"',
      '"target_modules":".*\\\\.(q|v)_proj"',
      '"layers_to_transform":[0]',
      '"layers_pattern":"h"',
      '"exclude_modules":"(a|b)*c"',
      '"modules_to_save":["lm_head"]',
      '"use_rslora":true',
      '(a{1,9}){1,9}',
      '\\\\d+',
    ],
    seeds: async () => goldenRuns.map((run) => adapterOf(run, 'adapter_config.json')),
    mayThrow: (error) => error instanceof RegexError,
    async run(input) {
      const weights = adapterOf('tiny-qwen2-lora', 'adapter_model.safetensors');
      const { config, modules } = await readAdapter(
        memoryFolder({ 'adapter_config.json': input, 'adapter_model.safetensors': weights }),
      );
      for (const { rank, a, b } of modules.values())
        holds(a.length % rank === 0 && b.length % rank === 0, 'weights have the rank of their module');
      const layers = ['q_proj', 'k_proj', 'down_proj'].map((name, layer) => ({
        module: `model.layers.${layer}.self_attn.${name}`,
        layer,
        isHead: false,
      }));
      const targets = targetedModules(config, [...layers, { module: 'lm_head', layer: null, isHead: true }]);
      for (const module of targets ?? []) holds(/lm_head|layers/.test(module), 'targets are candidates');
    },
  },
  {
    name: 'adapter-weights',
    text: true,
    quick: 120,
    dictionary: [...HEADER_WORDS, 'lora_A', 'lora_B', '.weight', 'base_model.model.', 'modules_to_save.'],
    seeds: async () =>
      goldenRuns.map((run) => headerAndSomeData(adapterOf(run, 'adapter_model.safetensors'))),
    async run(input) {
      const config = adapterOf('tiny-qwen2-lora', 'adapter_config.json');
      const { modules, saved } = await readAdapter(
        memoryFolder({ 'adapter_config.json': config, 'adapter_model.safetensors': input }),
      );
      holds(modules.size + (saved?.size ?? 0) > 0, 'an adapter has modules');
    },
  },
  {
    name: 'python-regex',
    text: true,
    quick: 600,
    dictionary: [
      '(?:',
      '(?=',
      '(?!',
      '{2,5}',
      '{1000}',
      '[^a-z]',
      '\\d',
      '\\b',
      '|',
      '*',
      '+?',
      '.*',
      '$',
      '^',
      '\\Z',
    ],
    seeds: async () =>
      [
        '.*\\.(q|k|v)_proj',
        '(?:^|.*?\\.)layers\\.\\d+\\..*',
        '^model[^.]+(a{1,3}|b?)*$',
        '(?!lm_head).*',
      ].map(bytesOf),
    mayThrow: (error) => error instanceof RegexError,
    run(input) {
      const regex = compilePythonRegex(textOf(input));
      for (const text of ['model.layers.0.self_attn.q_proj', '', 'a'.repeat(60), 'lm_head\n']) {
        holds(typeof regex.fullmatch(text) === 'boolean', 'a match is true or false');
      }
    },
  },
  {
    name: 'json-edit',
    text: true,
    quick: 600,
    dictionary: ['"use_cache"', '{"a":', '"}"', '\\"', '"\\\\"'],
    seeds: async () => [
      new Uint8Array(readFileSync(join(modelPath('tiny-qwen3'), 'config.json'))),
      bytesOf('{"a": {"b": [1, "}"]}, "use_cache": false, "c": 0.0}'),
    ],
    mayThrow: (error) => error instanceof SyntaxError,
    run(input) {
      const text = textOf(input);
      const before: unknown = JSON.parse(text);
      if (typeof before !== 'object' || before === null || Array.isArray(before)) return;
      const after = JSON.parse(editJsonObject(text, { use_cache: true, torch_dtype: undefined })) as object;
      const expected = { ...before, use_cache: true } as Record<string, unknown>;
      delete expected.torch_dtype;
      const sorted = (value: object) => Object.keys(value).sort().join('\0');
      holds(sorted(after) === sorted(expected), 'an edit keeps the other members');
      holds((after as { use_cache?: unknown }).use_cache === true, 'an edit sets its member');
    },
  },
  {
    name: 'quant-state',
    text: true,
    quick: 600,
    dictionary: [
      '"blocksize":64',
      '"nested_offset":',
      '"shape":[1,1]',
      '"dtype":"bfloat16"',
      '"quant_type":',
    ],
    seeds: async () => [
      bytesOf('{"quant_type":"nf4","blocksize":64,"dtype":"bfloat16","shape":[96,40]}'),
      bytesOf(
        '{"quant_type":"nf4","blocksize":64,"dtype":"float32","shape":[96,40],"nested_blocksize":256,"nested_dtype":"float32","nested_offset":0.1}',
      ),
    ],
    async run(input) {
      const name = 'proj.weight.quant_state.bitsandbytes__nf4';
      const header = JSON.stringify({ [name]: entry('U8', [input.length], [0, input.length]) });
      const bytes = concatBytes([rawSafetensors(header, 0), input]);
      const checkpoint = new Checkpoint('m', [await openSafetensors(bytesSource('w.safetensors', bytes))]);
      const { blockSize, shape } = await readQuantState(checkpoint, 'proj');
      holds(Number.isInteger(Math.log2(blockSize)), 'block sizes are powers of two');
      holds(shape.length === 2 && shape.every(Number.isSafeInteger), 'a matrix has two sizes');
    },
  },
  {
    name: 'zip',
    text: false,
    quick: 600,
    dictionary: ['PK\x01\x02', 'PK\x03\x04', 'PK\x05\x06', 'PK\x06\x06', 'PK\x06\x07'],
    seeds: async () => [await exportedRun()],
    async run(input) {
      const zip = bounded(bytesSource('run.zip', input));
      for (const entry of (await readZipDirectory(zip)) ?? []) {
        const at = await contentAt(zip, entry);
        holds(at === null || at + entry.size <= input.length, 'contents lie in the file');
      }
    },
  },
];

/** A file whose header is whole and whose data is as long as that says, without its values. */
function headerAndSomeData(bytes: Uint8Array): Uint8Array {
  return bytes.length > 200_000 ? bytes.slice(0, 200_000) : bytes;
}
