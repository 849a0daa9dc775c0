import { describe, expect, it } from 'vitest';
import { newPeftConfig, type PeftConfig } from './peftConfig.ts';
import { targetedModules } from './peftTargets.ts';

const inBlocks = [0, 1, 2].flatMap((layer) =>
  ['self_attn.q_proj', 'self_attn.v_proj', 'mlp.up_proj'].map((path) => ({
    module: `model.layers.${layer}.${path}`,
    layer,
    isHead: false,
  })),
);
const candidates = [...inBlocks, { module: 'lm_head', layer: null, isHead: true }];

function targets(fields: Partial<PeftConfig>): string[] | null {
  const found = targetedModules(newPeftConfig(fields), candidates);
  return (
    found && [...found].map((module) => module.replace('model.layers.', '').replace(/self_attn\.|mlp\./, ''))
  );
}

describe('targetedModules', () => {
  // Each as peft 0.21's check_target_module_exists has it.
  it.each<[string, Partial<PeftConfig>, string[] | null]>([
    ['nothing', { target_modules: null }, null],
    [
      'ends of names',
      { target_modules: ['q_proj', 'lm_head'] },
      ['0.q_proj', '1.q_proj', '2.q_proj', 'lm_head'],
    ],
    ['no part of a name', { target_modules: ['proj', 'head'] }, []],
    [
      'a full name, in any layer',
      { target_modules: ['model.layers.2.mlp.up_proj', 'q_proj'], layers_to_transform: [0] },
      ['0.q_proj', '2.up_proj'],
    ],
    [
      'the head beside layers',
      { target_modules: ['q_proj', 'lm_head'], layers_to_transform: 1 },
      ['1.q_proj', 'lm_head'],
    ],
    [
      'a pattern of layers',
      { target_modules: ['q_proj'], layers_to_transform: [1], layers_pattern: 'layers' },
      ['1.q_proj'],
    ],
    [
      'another pattern of layers',
      { target_modules: ['q_proj'], layers_to_transform: [1], layers_pattern: ['h'] },
      [],
    ],
    [
      'no layers',
      { target_modules: ['v_proj'], layers_to_transform: [] },
      ['0.v_proj', '1.v_proj', '2.v_proj'],
    ],
    [
      'all-linear',
      { target_modules: 'All-Linear', exclude_modules: ['up_proj', 'v_proj'] },
      ['0.q_proj', '1.q_proj', '2.q_proj'],
    ],
    [
      'a regular expression',
      { target_modules: String.raw`.*\.[01]\..*(q|up)_proj|lm_head` },
      ['0.q_proj', '0.up_proj', '1.q_proj', '1.up_proj', 'lm_head'],
    ],
    ['one that matches a part only', { target_modules: 'q_proj' }, []],
    [
      'excluded by one',
      { target_modules: ['q_proj'], exclude_modules: String.raw`.*\.0\..*` },
      ['1.q_proj', '2.q_proj'],
    ],
    [
      'what is trained in full',
      { target_modules: ['q_proj', 'lm_head'], modules_to_save: ['lm_head'] },
      ['0.q_proj', '1.q_proj', '2.q_proj'],
    ],
  ])('%s', (_, fields, expected) => {
    expect(targets(fields)).toEqual(expected);
  });
});
