import { beforeEach, describe, expect, it } from 'vitest';
import {
  newPeftConfig,
  readAdapter,
  writeAdapter,
  type PeftAdapter,
  type PeftConfig,
} from '../../../content/formats/peft.ts';
import type { Gpu } from '../../gpu/device.ts';
import { MemoryFolder } from '../../../base/storage/memoryFolder.ts';
import { expectGraftError } from '../../../testing/errors.ts';
import { testGpu } from '../../../testing/gpu.ts';
import { refuseLeaks } from '../../../testing/leaks.ts';
import { randomizeAdapter } from '../../../testing/passes.ts';
import { tinyConfig } from '../../../testing/tinyModel.ts';
import { loadAdapter, matchModules } from './adapterFiles.ts';
import { parseConfig } from '../spec/config.ts';
import { LoraAdapter } from './loraAdapter.ts';
import { planLora, type LoraShape } from './loraModules.ts';
import { modulePath } from '../spec/spec.ts';

const spec = parseConfig({ ...tinyConfig, num_hidden_layers: 3 });
const plain: LoraShape = { rank: 4, alpha: 8, rslora: false, targets: 'all-linear', layers: 'all' };

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

/** The modules to which PEFT would apply an adapter (peft, `check_target_module_exists`). */
function peftModules({ target_modules: targets, layers_to_transform: layers }: PeftConfig): string[] {
  const all = Array.from({ length: spec.layers }, (_, layer) =>
    spec.linears.map(({ path }) => modulePath(spec, layer, path)),
  ).flat();
  return [...all, spec.names.head].filter((path) => {
    // A full name matches in any layer.
    if ((targets as string[]).includes(path)) return true;
    const named = (targets as string[]).some((target) => path.endsWith(`.${target}`));
    const layer = Number(/\.(\d+)\./.exec(path)?.[1]);
    return named && (layers === null || (layers as number[]).includes(layer));
  });
}

describe('an adapter that is written and read again', () => {
  it.each<[string, Partial<LoraShape>]>([
    ['everything', {}],
    ['some modules', { targets: ['v_proj', 'q_proj'] }],
    ['the first layers', { layers: [0, 1] }],
    ['one layer in the middle', { layers: [1], targets: ['down_proj'] }],
    ['rsLoRA', { rslora: true, layers: [2, 0] }],
    ['the head', { targets: ['lm_head'] }],
    ['the head beside some layers', { targets: ['lm_head', 'q_proj'], layers: [1] }],
  ])('is the same on the GPU, and PEFT finds its modules: %s', async (_, fields) => {
    const shape = { ...plain, ...fields };
    const adapter = new LoraAdapter(gpu, planLora(spec, shape));
    randomizeAdapter(adapter);
    const written = await adapter.toPeft({ ...shape, base: 'tiny', dropout: 0.25 });
    const folder = new MemoryFolder('adapter');
    await writeAdapter(folder, written);
    const { config, modules } = await readAdapter(folder);
    expect(config).toMatchObject({
      base_model_name_or_path: 'tiny',
      r: 4,
      lora_alpha: 8,
      lora_dropout: 0.25,
      use_rslora: shape.rslora,
    });
    expect(peftModules(config)).toEqual(adapter.modules.map((m) => m.path));
    expect([...modules.keys()].sort()).toEqual(adapter.modules.map((m) => m.path).sort());

    const again = await loadAdapter(gpu, spec, { config, modules });
    expect(again.modules).toEqual(adapter.modules);
    expect([...(await again.read()).values()]).toEqual([...(await adapter.read()).values()]);
    adapter.dispose();
    again.dispose();
  });

  it('preserves the config it started from', async () => {
    const adapter = new LoraAdapter(
      gpu,
      planLora(spec, { ...plain, targets: ['q_proj'] }).map((m) => ({
        ...m,
        rank: m.layer === 1 ? 2 : 4,
        scale: 2,
      })),
    );
    adapter.initialize(1);
    const from = newPeftConfig({
      r: 4,
      lora_alpha: 8,
      target_modules: ['q_proj'],
      rank_pattern: { 'layers.1.self_attn.q_proj': 2 },
      alpha_pattern: { 'layers.1.self_attn.q_proj': 4 },
      revision: 'main',
    });
    const folder = new MemoryFolder('adapter');
    await writeAdapter(folder, await adapter.toPeft({ base: 'tiny', dropout: 0, from }));
    const { config, modules } = await readAdapter(folder);
    expect(config).toEqual({ ...from, base_model_name_or_path: 'tiny' });
    expect([...modules.values()].map((m) => m.rank)).toEqual([4, 2, 4]);
    adapter.dispose();
  });
});

describe('LoraAdapter', () => {
  it('initializes as PEFT does: A uniform within 1/√in, B zero, the same for the same seed', async () => {
    const values = async (seed: number) => {
      const adapter = new LoraAdapter(gpu, planLora(spec, plain));
      adapter.initialize(seed);
      const read = await adapter.read();
      expect(adapter.parameters).toBe(
        [...read.values()].reduce((sum, { a, b }) => sum + a.length + b.length, 0),
      );
      adapter.dispose();
      return [...read].map(([{ linear }, { a, b }]) => ({ inFeatures: linear.inFeatures, a, b }));
    };
    const first = await values(1);
    expect(await values(1)).toEqual(first);
    expect(await values(2)).not.toEqual(first);
    for (const { inFeatures, a, b } of first) {
      const bound = 1 / Math.sqrt(inFeatures);
      const largest = a.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
      expect(largest).toBeLessThanOrEqual(bound);
      expect(largest).toBeGreaterThan(0.9 * bound);
      expect(Math.abs(a.reduce((sum, x) => sum + x, 0) / a.length)).toBeLessThan(0.25 * bound);
      expect(b.every((x) => x === 0)).toBe(true);
    }
    // Modules of the same shape have different initial values.
    expect(first[0]!.a).not.toEqual(first[7]!.a);
  });
});

describe('an adapter for another base model', () => {
  async function adapterOf(config: Record<string, unknown>, base: string | null): Promise<PeftAdapter> {
    const adapter = new LoraAdapter(gpu, planLora(parseConfig({ ...tinyConfig, ...config }), plain));
    const peft = await adapter.toPeft({ ...plain, base: 'other-model', dropout: 0 });
    adapter.dispose();
    return { ...peft, config: { ...peft.config, base_model_name_or_path: base } };
  }

  it('is rejected with the missing module and the name of its base', async () => {
    const peft = await adapterOf({ num_hidden_layers: 4 }, 'other-model');
    const params = { module: 'model.layers.3.self_attn.q_proj', base: ' (other-model)' };
    await expectGraftError(() => matchModules(spec, peft), 'model.adapter_unknown_module', params);
    await expectGraftError(() => loadAdapter(gpu, spec, peft), 'model.adapter_unknown_module', params);
  });

  it('is rejected with the module of the wrong size', async () => {
    const peft = await adapterOf({ num_hidden_layers: 3, intermediate_size: 48 }, null);
    await expectGraftError(() => loadAdapter(gpu, spec, peft), 'model.adapter_shape', {
      module: 'model.layers.0.mlp.gate_proj',
      actual: '48 x 32',
      expected: '40 x 32',
      base: '',
    });
  });
});
