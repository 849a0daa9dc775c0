import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exportFlags, importFlags } from './finetuneFlags.ts';
import { checkField, defaultRecipe, recipeFields, type Recipe, type RecipeKey } from './recipe.ts';

/** Modeled on QwenLM/Qwen's scripts, with other numbers. */
const script = `#!/bin/bash
MODEL="Qwen/Qwen-1_8B-Chat" # or a path
DATA="path_to_data"
while [[ "$1" != "" ]]; do
    case $1 in
        -m | --model )
            shift
            MODEL=$1
            ;;
    esac
done
torchrun $DISTRIBUTED_ARGS finetune.py \\
  --model_name_or_path $MODEL \\
  --data_path "$DATA" \\
  --bf16 True \\
  --output_dir out \\
  --num_train_epochs 4 \\
  --per_device_train_batch_size 2 \\
  --gradient_accumulation_steps 8 \\
  --save_steps 1000 \\
  --learning_rate 2e-4 \\
  --weight_decay 0.1 \\
  --adam_beta2 0.95 \\
  --warmup_ratio 0.01 \\
  --lr_scheduler_type "cosine" \\
  --model_max_length 256 \\
  --lazy_preprocess True \\
  --gradient_checkpointing \\
  --use_lora \\
  --deepspeed finetune/ds_config_zero2.json

# --fp16 True --q_lora
`;

describe('finetune.py flags', () => {
  it('are read from a whole script with variables, together with finetune.py’s own defaults', () => {
    const { recipe, model, data, ignored, alsoInFull } = importFlags(script, 1600);
    expect(recipe).toEqual({
      ...defaultRecipe(),
      method: 'lora',
      rank: 64,
      alpha: 16,
      dropout: 0.05,
      epochs: 4,
      batch_size: 2,
      grad_accum: 8,
      // 1,600 rows are 100 steps per epoch: a hundredth of 400.
      lr: 2e-4,
      weight_decay: 0.1,
      beta2: 0.95,
      schedule: 'cosine',
      max_length: 256,
      warmup_steps: 4,
      eval_fraction: 0,
    });
    expect([model, data, alsoInFull]).toEqual(['Qwen/Qwen-1_8B-Chat', 'path_to_data', false]);
    expect(Object.fromEntries(ignored.map(({ flag, reason }) => [flag, reason]))).toEqual({
      '--bf16': 'precision',
      '--output_dir': 'elsewhere',
      '--save_steps': 'reporting',
      '--lazy_preprocess': 'always',
      '--gradient_checkpointing': 'always',
      '--deepspeed': 'oneGpu',
    });
  });

  it('of its shell scripts are known, including -m and -d', () => {
    const { recipe, model, data } = importFlags(
      'bash finetune/finetune_qlora_single_gpu.sh -m Qwen/Qwen-7B-Chat-Int4 -d "my data.json"',
      160,
    );
    expect([model, data]).toEqual(['Qwen/Qwen-7B-Chat-Int4', 'my data.json']);
    expect(recipe).toMatchObject({ method: 'qlora', lr: 3e-4, epochs: 5, rank: 64, max_length: 512 });
    expect(importFlags('finetune_ds.sh', 160).recipe).toMatchObject({
      method: 'full',
      lr: 1e-5,
      grad_accum: 16,
    });
    expect(importFlags('finetune.sh -m Qwen/Qwen-7B -d x --use_lora', null)).toMatchObject({
      recipe: { method: 'lora', lr: 5e-5 },
      alsoInFull: true,
    });
  });

  it('that are irrelevant or invalid are reported and change nothing', () => {
    const { recipe, ignored } = importFlags(
      '--use_lora --lora_r 9999 --colour green --lora_bias all --optim adafactor --warmup_ratio 0.1 --max_steps -1',
      null,
    );
    expect(recipe).toMatchObject({ rank: 64, optimizer: 'adamw', warmup_steps: 0, max_steps: 0 });
    expect(ignored).toEqual([
      {
        flag: '--lora_r',
        value: '9999',
        reason: 'invalid',
        field: 'rank',
        expected: 'a whole number from 1 to 512',
      },
      { flag: '--colour', value: 'green', reason: 'unknown' },
      { flag: '--lora_bias', value: 'all', reason: 'unsupported', expected: 'none' },
      {
        flag: '--optim',
        value: 'adafactor',
        reason: 'unsupported',
        field: 'optimizer',
        expected: expect.stringContaining('AdamW'),
      },
      { flag: '--warmup_ratio', value: '0.1', reason: 'needsRows' },
    ]);
    expect(() => importFlags('just words', null)).toThrow(/no finetune.py flags/);
    expect(() => importFlags('', null)).toThrow(/no finetune.py flags/);
  });

  it('include values a script computes, and report those only a running shell knows', () => {
    const own = (before: string, flags: string) =>
      importFlags(
        `${before}\ntorchrun --nproc_per_node 1 finetune.py --use_lora ${flags} 2>&1 | tee log\n`,
        10,
      );
    const computed = own('LR=1e-4; RANK=16', '--learning_rate ${LR} --lora_r $RANK --lora_alpha $((RANK*2))');
    expect(computed.recipe).toMatchObject({ lr: 1e-4, rank: 16, alpha: 32 });
    expect(computed.ignored).toEqual([]);
    expect(own('export LR=2e-5 RANK=4', '--learning_rate=$LR --lora_r="$RANK"').recipe).toMatchObject({
      lr: 2e-5,
      rank: 4,
    });
    expect(own('', '--lora_r ${R:-8} --lora_alpha $(( (2 + 1) * 4 ))').recipe).toMatchObject({
      rank: 8,
      alpha: 12,
    });
    for (const [before, flags] of [
      ['', '--learning_rate $LR'],
      ['LR=1e-4; LR=$(cat rate)', '--learning_rate $LR'],
      ['if [ -n "$FAST" ]; then LR=1e-3; else LR=1e-4; fi', '--learning_rate $LR'],
      ['', '--lora_alpha $((RANK*2))'],
      ['', '--lora_target_modules $TARGETS'],
      ['', '--use_lora $LORA'],
      ['', '--lora_r `nproc`'],
    ] as const) {
      const { ignored } = own(before, flags);
      expect(ignored).toEqual([expect.objectContaining({ flag: flags.split(' ')[0], reason: 'invalid' })]);
      expect(ignored[0]!.expected).toBeTruthy();
    }
  });

  it('give a warm-up in steps if the rows are known, otherwise as a ratio', () => {
    const flags = '--use_lora --warmup_ratio 0.1';
    expect(importFlags(flags, null)).toMatchObject({ warmupRatio: 0.1, recipe: { warmup_steps: 0 } });
    expect(importFlags(flags, 800)).toMatchObject({ warmupRatio: null, recipe: { warmup_steps: 30 } });
    expect(importFlags(`${flags} --warmup_steps 7`, null)).toMatchObject({
      warmupRatio: null,
      recipe: { warmup_steps: 7 },
    });
  });

  it('of lists: Qwen v1’s own layers are all linear layers', () => {
    const targets = (text: string) => importFlags(`--use_lora ${text}`, null).recipe.targets;
    expect(targets('--lora_target_modules c_attn c_proj w1 w2')).toBe('all-linear');
    expect(targets('--lora_target_modules q_proj v_proj')).toEqual(['q_proj', 'v_proj']);
    expect(targets('--lora-target-modules=q_proj,v_proj')).toEqual(['q_proj', 'v_proj']);
  });

  it('round-trip to the same recipe, except for fields reported as lost', () => {
    fc.assert(
      fc.property(anyRecipe(), (recipe) => {
        const { command, lost } = exportFlags(recipe, { model: "a folder/Chat $1 'x'", data: 'd.json' });
        const back = importFlags(command, 10);
        expect(back.model).toBe("a folder/Chat $1 'x'");
        const defaults: Recipe = { ...defaultRecipe(), eval_fraction: 0 };
        expect(lost).toContain('eval_fraction');
        const wanted: Recipe = { ...recipe, ...Object.fromEntries(lost.map((key) => [key, defaults[key]])) };
        if (recipe.dtype !== 'f16') wanted.dtype = 'auto';
        if (recipe.method === 'full')
          Object.assign(wanted, { targets: 'all-linear', rank: 64, alpha: 16, dropout: 0.05 });
        expect(back.recipe).toEqual(wanted);
      }),
    );
  });
});

/** Recipes with any fields changed. */
function anyRecipe(): fc.Arbitrary<Recipe> {
  const number = (key: RecipeKey, values: number[]) => [key, fc.constantFrom(...values)] as const;
  const changes = Object.fromEntries([
    ['method', fc.constantFrom('lora', 'qlora', 'full')],
    ['schedule', fc.constantFrom('cosine', 'linear', 'constant_with_warmup')],
    ['targets', fc.constantFrom('all-linear', ['q_proj', 'v_proj'])],
    ['optimizer', fc.constantFrom('adamw', 'adamw_8bit')],
    ['dtype', fc.constantFrom('auto', 'f16', 'f32')],
    ['layers', fc.constantFrom('all', [0, 3])],
    ['rslora', fc.boolean()],
    ['packing', fc.boolean()],
    ['double_quant', fc.boolean()],
    number('rank', [1, 8, 64]),
    number('alpha', [0.5, 16]),
    number('lr', [1e-7, 3e-4, 0.1]),
    number('epochs', [0.5, 3]),
    number('max_steps', [0, 40]),
    number('batch_size', [1, 16]),
    number('grad_accum', [1, 8]),
    number('max_length', [128, 8192]),
    number('warmup_steps', [0, 7]),
    number('weight_decay', [0, 0.1]),
    number('beta1', [0.9, 0.85]),
    number('beta2', [0.95, 0.999]),
    number('eps', [1e-8, 1e-6]),
    number('dropout', [0, 0.05]),
    number('max_grad_norm', [0, 1]),
    number('seed', [0, 7]),
  ] as [string, fc.Arbitrary<unknown>][]);
  return fc.record(changes).map((values) => {
    for (const [key, value] of Object.entries(values)) {
      if (!(key in recipeFields) || checkField(key as RecipeKey, value) !== null) throw new Error(key);
    }
    return { ...defaultRecipe(), ...values } as Recipe;
  });
}
