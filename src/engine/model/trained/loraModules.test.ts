import { describe, expect, it } from 'vitest';
import { expectGraftError } from '../../../testing/errors.ts';
import { tinyConfig } from '../../../testing/tinyModel.ts';
import { parseConfig } from '../spec/config.ts';
import { loraScale, planLora, type LoraShape } from './loraModules.ts';

const spec = parseConfig(tinyConfig);
const shape: LoraShape = { rank: 4, alpha: 8, rslora: false, targets: 'all-linear', layers: 'all' };
const paths = (fields: Partial<LoraShape>) => planLora(spec, { ...shape, ...fields }).map((m) => m.path);

describe('planLora', () => {
  it('adapts every linear module of every block, in the order of the forward pass', () => {
    const modules = planLora(spec, shape);
    expect(modules.map((m) => `${m.layer}.${m.linear.name}`)).toEqual(
      [0, 1].flatMap((layer) => spec.linears.map(({ name }) => `${layer}.${name}`)),
    );
    expect(modules[1]).toMatchObject({
      path: 'model.layers.0.self_attn.k_proj',
      rank: 4,
      scale: 2,
      linear: { inFeatures: 32, outFeatures: 16 },
    });
  });

  it('matches targets by the end of the path, in the model’s order', () => {
    expect(paths({ targets: ['v_proj', 'mlp.up_proj', 'q_proj'], layers: [1] })).toEqual([
      'model.layers.1.self_attn.q_proj',
      'model.layers.1.self_attn.v_proj',
      'model.layers.1.mlp.up_proj',
    ]);
  });

  it('restricts the adapter to the given layers, in any order', () => {
    expect(paths({ targets: ['q_proj'], layers: [1, 0, 1] })).toEqual([
      'model.layers.0.self_attn.q_proj',
      'model.layers.1.self_attn.q_proj',
    ]);
  });

  it('does not match part of a name', async () => {
    for (const target of ['proj', 'attn.q_proj', 'embed_tokens']) {
      await expectGraftError(() => paths({ targets: ['q_proj', target] }), 'train.no_targets', {
        targets: target,
      });
    }
  });

  it('rejects a layer the model does not have', async () => {
    await expectGraftError(() => paths({ layers: [0, 2] }), 'train.layer_out_of_range', {
      layer: 2,
      layers: 2,
    });
  });

  it('scales by alpha over rank, or over its square root with rsLoRA', () => {
    expect(loraScale(16, 8, false)).toBe(0.5);
    expect(loraScale(16, 8, true)).toBe(2);
    expect(planLora(spec, { ...shape, rslora: true })[0]!.scale).toBe(4);
  });
});
