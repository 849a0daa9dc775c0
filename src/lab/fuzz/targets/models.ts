import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseQuantization } from '../../../content/formats/quantized/quantizationConfig.ts';
import { readJson } from '../../../content/formats/text.ts';
import { parseConfig } from '../../../engine/model/spec/config.ts';
import { modelPath } from '../../../testing/fixtures.ts';
import { memoryFolder } from '../../../testing/sources.ts';
import { bytesOf, holds, type FuzzTarget } from '../target.ts';

const configOf = (name: string) => new Uint8Array(readFileSync(join(modelPath(name), 'config.json')));

export const modelTargets: readonly FuzzTarget[] = [
  {
    name: 'config',
    text: true,
    quick: 600,
    dictionary: [
      '"model_type":"qwen"',
      '"model_type":"mistral"',
      '"model_type":"gemma3_text"',
      '"model_type":"gemma2"',
      '"model_type":"phi3"',
      '"model_type":"smollm3"',
      '"model_type":"exaone4"',
      '"model_type":"granitemoehybrid","num_local_experts":0',
      '"model_type":"ministral3"',
      '"rope_scaling":{"rope_type":"yarn","factor":4.0}',
      '"rope_scaling":{"type":"longrope","short_factor":[1],"long_factor":[1]}',
      '"no_rope_layers":[1,0]',
      '"architectures":["QWenLMHeadModel"]',
      '"rope_scaling":{"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":8192}',
      '"rope_parameters":',
      '"layer_types":["full_attention"]',
      '"sliding_window":4',
      '"use_sliding_window":true',
      '"head_dim":',
      '"num_key_value_heads":null',
      '"quantization_config":{"quant_method":"awq"}',
    ],
    seeds: async () => ['tiny-llama3', 'tiny-qwen2', 'tiny-qwen3', 'starter'].map(configOf),
    async run(input) {
      const spec = parseConfig(await readJson(memoryFolder({ 'config.json': input }), 'config.json'));
      const { layers, heads, kvHeads, headDim, hiddenSize, vocabSize, normEps } = spec;
      for (const size of [layers, heads, kvHeads, headDim, hiddenSize, vocabSize])
        holds(Number.isSafeInteger(size) && size > 0, 'sizes are positive whole numbers');
      holds(heads % kvHeads === 0 && headDim % 4 === 0, 'heads share keys evenly');
      holds(normEps > 0 && Number.isFinite(normEps), 'the epsilon is a positive number');
      for (const layer of [0, Math.min(layers, 5) - 1])
        holds(Number.isSafeInteger(spec.windowOf(layer)), 'each layer has a window');
      for (const layer of [0, Math.min(layers, 5) - 1]) {
        const rope = spec.ropeOf(layer);
        holds(!rope || (rope.dims > 0 && rope.dims <= headDim), 'no more turns than a head has');
      }
    },
  },
  {
    name: 'quantization-config',
    text: true,
    quick: 600,
    dictionary: ['"bits":4', '"group_size":128', '"gptq_v2"', '"load_in_4bit":true', '"gemm"', '"sym":'],
    seeds: async () =>
      [
        '{"quant_method":"gptq","bits":4,"group_size":128,"sym":true,"desc_act":false,"checkpoint_format":"gptq_v2"}',
        '{"quant_method":"awq","bits":4,"group_size":64,"version":"gemm","zero_point":true,"modules_to_not_convert":["lm_head"]}',
        '{"load_in_4bit":true,"bnb_4bit_quant_type":"nf4","bnb_4bit_use_double_quant":true,"llm_int8_skip_modules":["lm_head"]}',
      ].map(bytesOf),
    async run(input) {
      const folder = memoryFolder({ 'config.json': input });
      const found = parseQuantization(await readJson(folder, 'config.json'));
      holds(['bitsandbytes', 'gptq', 'awq'].includes(found.method), 'the method is a known one');
      if ('groupSize' in found)
        holds(found.groupSize === null || found.groupSize > 0, 'groups have a size, or are whole rows');
    },
  },
];
