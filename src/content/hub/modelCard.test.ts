import { describe, expect, it } from 'vitest';
import { defaultRecipe, recipeFields } from '../../base/config/recipe.ts';
import { lossesOf, parseRunRecord, type RunRecord } from '../../base/config/runRecord.ts';
import { modelCard } from './modelCard.ts';

const run: RunRecord = {
  base: { name: 'org/base', repo: 'org/base', commit: 'c'.repeat(40), license: 'apache-2.0' },
  data: {
    file: 'hf:datasets/org/chats@v1/train.jsonl',
    rows: 1200,
    evalRows: 1,
    tokens: 34_000,
    trainedTokens: 12_345,
  },
  recipe: { ...defaultRecipe(), method: 'qlora', targets: ['q_proj'] },
  steps: 60,
  loss: { first: 2.5, last: 0.25 },
  evalLosses: [
    { step: 0, loss: 2.75 },
    { step: 20, loss: 0.5 },
    { step: 60, loss: 0.75 },
  ],
};

describe('a model card', () => {
  it('lists base, licence, data, recipe and losses', () => {
    const card = modelCard('zip-adapter', 'adapter', run);
    const [, metadata = '', body = ''] = card.split(/^---$/m);
    expect(metadata.trim().split('\n')).toEqual([
      'base_model: org/base',
      'base_model_relation: adapter',
      'license: apache-2.0',
      'datasets:',
      '- org/chats',
      'library_name: peft',
      'pipeline_tag: text-generation',
      'tags:',
      '- qlora',
      '- graft',
    ]);
    expect(body).toContain(
      'A QLoRA adapter for [org/base](https://huggingface.co/org/base) at commit `cccccccccccc`.',
    );
    expect(body).toContain('1,200 training rows (34,000 tokens, loss on 12,345), 1 row held out');
    expect(body).toContain('| training loss, last 10% of 60 steps | 0.2500 |');
    expect(body).toContain('| eval loss, before training | 2.7500 |');
    expect(body).toContain('| eval loss, best (step 20) | 0.5000 |');
    expect(body).toContain('| `targets` | `["q_proj"]` |');
    for (const key of Object.keys(recipeFields).filter((name) => name !== 'memory_budget')) {
      expect(body).toContain(`| \`${key}\` |`);
    }
    expect(body).not.toContain('## Usage');
  });

  it('lists end tokens that the base does not name, if any', () => {
    const ends = { added: [{ id: 7, token: '<|im_end|>' }], ids: [1, 7] };
    const adapter = modelCard('zip', 'adapter', run, ends);
    expect(adapter).toContain('Trained answers end with `<|im_end|>` (7), which the base model’s');
    const merged = modelCard('zip', 'merged', run, ends);
    expect(merged).toContain('The generation_config.json here lists it.');
    expect(merged).not.toContain('eos_token_id');
    for (const kind of ['adapter', 'merged'] as const) {
      expect(modelCard('zip', kind, run, { added: [], ids: [1] })).toBe(modelCard('zip', kind, run));
    }
  });

  it('of a merged model is for transformers, without the adapter’s code', () => {
    const card = modelCard('zip', 'merged', run);
    expect(card).toContain('library_name: transformers');
    expect(card).toContain('base_model_relation: finetune');
    expect(card).not.toContain('PeftModel');
  });

  it('says how it is used, with real names', () => {
    const facts = {
      name: 'zip',
      repo: null,
      base: { repo: 'org/base', commit: 'c0ffee', name: 'base' },
      endIds: [],
      chat: true,
      rank: 8,
      savesModules: false,
    };
    const card = modelCard('zip', 'adapter', run, undefined, { facts, quantized: false });
    expect(card).toContain('\n## Usage\n');
    expect(card).toContain('PeftModel.from_pretrained(base, "./zip")');
  });

  it('mentions weighted losses', () => {
    const heavy = { ...run, data: { ...run.data, weightedTokens: 1500 } };
    expect(modelCard('zip', 'adapter', heavy)).toContain(
      '(34,000 tokens, loss on 12,345, 1,500 with a weight other than 1, as in the losses below)',
    );
    expect(modelCard('zip', 'adapter', run)).not.toContain('weight other');
    expect(parseRunRecord(JSON.parse(JSON.stringify(heavy)))).toEqual(heavy);
  });

  it('of a base from a local folder claims no repo and no licence', () => {
    const base = { name: 'my model', repo: null, commit: null, license: null };
    const card = modelCard('zip', 'adapter', {
      ...run,
      base,
      data: { ...run.data, file: 'a.jsonl', evalRows: 0 },
    });
    expect(card).not.toMatch(/^(?:base_model|license|datasets)/m);
    expect(card).toContain('A QLoRA adapter for `my model`.');
  });

  it('escapes names', () => {
    const name = '<img src=x> [a](javascript:b) `c` | d\n# e';
    const base = { name, repo: null, commit: null, license: 'x: "y"\nz' };
    const card = modelCard(name, 'adapter', { ...run, base, data: { ...run.data, file: name } });
    expect(card).toContain('license: "x: \\"y\\"\\nz"');
    expect(card).toContain('# &lt;img src=x\\> \\[a\\](javascript:b) \\`c\\` \\| d \\# e\n');
    expect(card.split('\n').filter((line) => line.startsWith('# '))).toHaveLength(1);
  });
});

describe('the record of a run', () => {
  it('round-trips', () => {
    expect(parseRunRecord(JSON.parse(JSON.stringify(run)))).toEqual(run);
  });

  it('of another program is null', () => {
    expect(parseRunRecord({ epoch: 1 })).toBeNull();
  });

  it('has the mean losses of its first and last tenth', () => {
    const losses = Array.from({ length: 20 }, (_, step) => step);
    expect(lossesOf(losses)).toEqual({ first: 0.5, last: 18.5 });
    expect(lossesOf([3])).toEqual({ first: 3, last: 3 });
  });
});
