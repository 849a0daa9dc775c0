import { describe, expect, it } from 'vitest';
import { expectGraftError } from '../../testing/errors.ts';
import { createRandom } from '../../base/lib/random.ts';
import { newPeftConfig, type PeftAdapter, type PeftModule } from '../formats/peft.ts';
import { mixAdapters, type MixOptions } from './mixAdapters.ts';
import { mixRules, type MixRule } from './mixRules.ts';
import { inModelOrder } from './moduleOrder.ts';
import { TorchRandom } from './torchRandom.ts';

const [IN, OUT] = [13, 9];
const q = 'model.layers.0.self_attn.q_proj';
const down = 'model.layers.0.mlp.down_proj';

function module(seed: number, rank: number, scale = 2): PeftModule {
  const random = createRandom(seed);
  const values = (length: number) => Float32Array.from({ length }, () => random.next() - 0.5);
  return { rank, scale, a: values(rank * IN), b: values(OUT * rank), inFeatures: IN, outFeatures: OUT };
}

function adapter(rank: number, modules: Record<string, PeftModule>): PeftAdapter {
  const targets = Object.keys(modules).map((name) => name.split('.').at(-1)!);
  return {
    config: newPeftConfig({ r: rank, lora_alpha: 2 * rank, target_modules: targets }),
    modules: new Map(Object.entries(modules)),
  };
}

/** Scale · B · A, in f64. */
function update({ rank, scale, a, b }: PeftModule): number[] {
  return Array.from({ length: OUT * IN }, (_, i) => {
    const [row, col] = [Math.floor(i / IN), i % IN];
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += b[row * rank + k]! * a[k * IN + col]!;
    return scale * sum;
  });
}

const options = (rule: MixRule, changes: Partial<MixOptions> = {}): MixOptions => ({
  rule,
  density: 0.5,
  majority: 'total',
  rank: null,
  seed: 0,
  ...changes,
});
const first = adapter(3, { [q]: module(1, 3), [down]: module(2, 3) });
const second = adapter(2, { [q]: module(3, 2, 0.5) });
const both = [
  { name: 'first', adapter: first, weight: 0.75 },
  { name: 'second', adapter: second, weight: -2 },
];

/** The numbers are torch's: torch.manual_seed(7); torch.rand(4). */
it('random numbers are those of torch', () => {
  const random = new TorchRandom(7);
  const drawn = Array.from({ length: 4 }, () => random.uniform().toFixed(4));
  expect(drawn).toEqual(['0.5349', '0.1988', '0.6592', '0.6569']);
  const later = new TorchRandom(7);
  later.skip(3);
  expect(later.uniform().toFixed(4)).toBe('0.6569');
});

it('modules are mixed in the order of the model', () => {
  const names = ['lm_head', 'model.layers.10.mlp.up_proj', down, 'model.layers.2.mlp.gate_proj', q];
  expect(inModelOrder(names)).toEqual([q, down, names[3], names[1], 'lm_head']);
});

describe('a mix', () => {
  it.each([
    ['cat', 5],
    ['svd', 5],
  ] as const)('by %s is the weighted sum of what the adapters do', (rule, rank) => {
    const { modules, config } = mixAdapters(both, options(rule, rule === 'svd' ? { rank } : {}));
    expect(config).toMatchObject({
      r: rank,
      lora_alpha: rank,
      target_modules: ['q_proj', 'down_proj'],
    });
    const [one, other] = [first.modules.get(q)!, second.modules.get(q)!].map(update);
    const sum = one!.map((value, i) => 0.75 * value - 2 * other![i]!);
    const alone = update(first.modules.get(down)!).map((value) => 0.75 * value);
    for (const [name, expected] of [
      [q, sum],
      [down, alone],
    ] as const) {
      const mixed = update(modules.get(name)!);
      mixed.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
    }
  });

  it('of a lower rank is the nearest: what is left out is at right angles to it', () => {
    const { modules } = mixAdapters(both, options('svd', { rank: 2 }));
    const whole = update(mixAdapters(both, options('cat')).modules.get(q)!);
    const part = update(modules.get(q)!);
    const rest = whole.map((value, i) => value - part[i]!);
    const dot = rest.reduce((sum, value, i) => sum + value * part[i]!, 0);
    const size = (values: number[]) => Math.hypot(...values);
    expect(Math.abs(dot) / size(rest) / size(part)).toBeLessThan(1e-5);
    expect(size(rest)).toBeGreaterThan(0.01);
  });

  it.each(mixRules)('by %s of one adapter has its weight', (rule) => {
    const { modules } = mixAdapters([{ name: 'first', adapter: first, weight: -0.5 }], options(rule));
    const expected = update(first.modules.get(q)!);
    update(modules.get(q)!).forEach((value, i) => expect(value).toBeCloseTo(-0.5 * expected[i]!, 5));
  });

  it('keeps the values of the largest magnitude, and averages those of the majority’s sign', () => {
    const of = (a: number[], b: number[]): PeftAdapter =>
      adapter(1, {
        [q]: {
          rank: 1,
          scale: 1,
          a: Float32Array.from(a),
          b: Float32Array.from(b),
          inFeatures: a.length,
          outFeatures: b.length,
        },
      });
    const ingredients = [
      { name: 'x', adapter: of([4, -3, 1, 0], [1, 2]), weight: 1 },
      { name: 'y', adapter: of([-1, -2, 3, 0], [-4, 2]), weight: 1 },
    ];
    const pruned = mixAdapters(ingredients, options('magnitude_prune')).modules.get(q)!;
    expect([...pruned.a]).toEqual([4, -5, 3, 0]);
    const ties = mixAdapters(ingredients, options('ties', { density: 1 })).modules.get(q)!;
    expect([...ties.a]).toEqual([4, -2.5, 2, 0]);
    expect([...ties.b]).toEqual([-4, 2]);
  });

  it('gives modules in chosen layers by their full names', () => {
    const chosen = adapter(2, { [q]: module(3, 2) });
    chosen.config.layers_to_transform = [0];
    const ingredients = [both[0]!, { name: 'chosen', adapter: chosen, weight: 1 }];
    const { config } = mixAdapters(ingredients, options('cat'));
    expect(config.target_modules).toEqual([q, down]);
    expect(config.layers_to_transform).toBeNull();
  });

  it('is refused where it can’t be made', async () => {
    await expectGraftError(() => mixAdapters(both, options('ties')), 'merge.mix_rank');
    const wider = { ...module(1, 3), inFeatures: IN + 1, a: new Float32Array(3 * (IN + 1)) };
    const other = { name: 'other', adapter: adapter(3, { [q]: wider }), weight: 1 };
    await expectGraftError(() => mixAdapters([both[0]!, other], options('cat')), 'merge.mix_shape');
    const saved = { rows: 1, cols: 1 } as never;
    const trained = { ...second, saved: new Map([['lm_head', saved]]) };
    await expectGraftError(
      () => mixAdapters([both[0]!, { name: 'trained', adapter: trained, weight: 1 }], options('cat')),
      'merge.mix_saved',
    );
  });
});

it('names the base without the path that another program wrote', () => {
  const base = '/home/someone/models/tiny';
  const own = { ...first, config: { ...first.config, base_model_name_or_path: base } };
  const { config } = mixAdapters([{ name: 'a', adapter: own, weight: 1 }], options('cat'));
  expect(config.base_model_name_or_path).toBe('tiny');
});
