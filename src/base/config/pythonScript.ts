import { evalSizeOf, MIN_ROWS_TO_HOLD_OUT } from './evaluationSplit.ts';
import { changedFields } from './presets.ts';
import type { Recipe, RecipeKey } from './recipe.ts';

/** A recipe for PEFT and TRL. */
export interface PythonScript {
  text: string;
  /** Changed fields without a counterpart. */
  lost: RecipeKey[];
}

/** Fields that the script derives from others, or that only concern this machine. */
const expressible: ReadonlySet<RecipeKey> = new Set([
  ...([
    'method',
    'rank',
    'alpha',
    'lr',
    'epochs',
    'max_steps',
    'batch_size',
    'grad_accum',
    'max_length',
  ] as const),
  ...([
    'targets',
    'modules_to_save',
    'quant',
    'double_quant',
    'layers',
    'dropout',
    'rslora',
    'dora',
    'init_lora_weights',
    'neftune_noise_alpha',
    'schedule',
  ] as const),
  ...([
    'warmup_steps',
    'weight_decay',
    'beta1',
    'beta2',
    'eps',
    'max_grad_norm',
    'optimizer',
    'packing',
  ] as const),
  ...(['eval_steps', 'eval_fraction', 'seed', 'dtype'] as const),
]);

/** Masks that TRL supports. */
const masks: Partial<Record<Recipe['mask'], string>> = { assistant: 'assistant_only_loss=True' };

/**
 * A recipe as Python: PEFT's LoraConfig and TRL's SFTConfig with the same numbers, and transformers'
 * BitsAndBytesConfig for QLoRA. @param model name or path of the model
 */
export function pythonScript(recipe: Recipe, model: string): PythonScript {
  const isLora = recipe.method !== 'full';
  const isQuantized = recipe.method === 'qlora';
  const compute = recipe.dtype === 'f16' ? 'torch.float16' : 'torch.bfloat16';
  const quantization = call('BitsAndBytesConfig', [
    'load_in_4bit=True',
    `bnb_4bit_quant_type=${py(recipe.quant)}`,
    `bnb_4bit_use_double_quant=${py(recipe.double_quant)}`,
    `bnb_4bit_compute_dtype=${compute}`,
  ]);
  const lora = call('LoraConfig', [
    'task_type="CAUSAL_LM"',
    `r=${recipe.rank}`,
    `lora_alpha=${recipe.alpha}`,
    `lora_dropout=${recipe.dropout}`,
    `target_modules=${py(recipe.targets)}`,
    ...(recipe.layers === 'all' ? [] : [`layers_to_transform=${py(recipe.layers)}`]),
    ...(recipe.modules_to_save.length > 0 ? [`modules_to_save=${py(recipe.modules_to_save)}`] : []),
    `use_rslora=${py(recipe.rslora)}`,
    ...(recipe.dora ? ['use_dora=True'] : []),
    ...(recipe.init_lora_weights === 'default' ? [] : [`init_lora_weights=${py(recipe.init_lora_weights)}`]),
  ]);
  const mask = masks[recipe.mask];
  const split = splitOf(recipe);
  const training = call('SFTConfig', [
    'output_dir="output"',
    ...(recipe.max_steps > 0 ? [`max_steps=${recipe.max_steps}`] : [`num_train_epochs=${recipe.epochs}`]),
    `per_device_train_batch_size=${recipe.batch_size}`,
    `gradient_accumulation_steps=${recipe.grad_accum}`,
    `learning_rate=${recipe.lr}`,
    `lr_scheduler_type=${py(recipe.schedule)}`,
    `warmup_steps=${recipe.warmup_steps}`,
    `weight_decay=${recipe.weight_decay}`,
    `adam_beta1=${recipe.beta1}`,
    `adam_beta2=${recipe.beta2}`,
    `adam_epsilon=${recipe.eps}`,
    `max_grad_norm=${recipe.max_grad_norm}`,
    `optim=${py(recipe.optimizer === 'adamw' ? 'adamw_torch' : 'adamw_bnb_8bit')}`,
    `max_length=${recipe.max_length}`,
    `packing=${py(recipe.packing)}`,
    ...(mask === undefined ? [] : [mask]),
    ...split.config,
    'gradient_checkpointing=True',
    recipe.dtype === 'f16' ? 'fp16=True' : 'bf16=True',
    ...(recipe.neftune_noise_alpha > 0 ? [`neftune_noise_alpha=${recipe.neftune_noise_alpha}`] : []),
    `seed=${recipe.seed}`,
  ]);
  const text = [
    ...(isQuantized ? ['import torch'] : []),
    'from datasets import load_dataset',
    ...(isLora ? ['from peft import LoraConfig'] : []),
    ...(isQuantized ? ['from transformers import AutoModelForCausalLM, BitsAndBytesConfig'] : []),
    'from trl import SFTConfig, SFTTrainer',
    '',
    'data = load_dataset("json", data_files="data.jsonl", split="train")',
    ...split.lines,
    ...(isQuantized
      ? [`model = AutoModelForCausalLM.from_pretrained(${py(model)}, quantization_config=${quantization})`]
      : [`model = ${py(model)}`]),
    ...(isLora ? [`peft_config = ${lora}`] : []),
    `args = ${training}`,
    `trainer = ${call('SFTTrainer', [
      'model=model',
      'args=args',
      ...split.datasets,
      ...(isLora ? ['peft_config=peft_config'] : []),
    ])}`,
    'trainer.train()',
    'trainer.save_model()',
    '',
  ].join('\n');
  const lost = changedFields(recipe).filter((key) => !expressible.has(key));
  return { text, lost };
}

/** What the script has of the evaluation split; for `auto` only the rows tell. */
function splitOf({ eval_fraction: fraction, eval_steps, seed }: Recipe) {
  const steps = `eval_steps=${eval_steps}`;
  if (fraction === 0) return { lines: [], config: [], datasets: ['train_dataset=data'] };
  if (fraction === 'auto')
    return {
      lines: [
        `held_out = min(${evalSizeOf('auto', Infinity)}, int(len(data) / 10 + 0.5)) if len(data) >= ${MIN_ROWS_TO_HOLD_OUT} else 0`,
        `if held_out:\n    data = data.train_test_split(test_size=held_out, seed=${seed})`,
      ],
      config: ['eval_strategy="steps" if held_out else "no"', steps],
      datasets: [
        'train_dataset=data["train"] if held_out else data',
        'eval_dataset=data["test"] if held_out else None',
      ],
    };
  return {
    lines: [`data = data.train_test_split(test_size=${fraction}, seed=${seed})`],
    config: ['eval_strategy="steps"', steps],
    datasets: ['train_dataset=data["train"]', 'eval_dataset=data["test"]'],
  };
}

function call(name: string, args: readonly string[]): string {
  return `${name}(\n${args.map((arg) => `    ${arg},\n`).join('')})`;
}

/** A value as Python writes it. */
function py(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return `[${value.map(py).join(', ')}]`;
  return JSON.stringify(value);
}
