import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { presetRecipe, presets } from './presets.ts';
import { pythonScript } from './pythonScript.ts';
import { defaultRecipe } from './recipe.ts';

/** Runs a script in Python with stubs for the libraries: records each call's arguments as JSON. */
function argumentsIn(text: string, rows = 0): Record<string, Record<string, unknown>> {
  const harness = `
import sys, types, json
calls = {}
class Recorded:
    def __len__(self): return int(sys.argv[1])
    def train(self): pass
    def save_model(self): pass
    def train_test_split(self, **named): calls["split"] = named; return {"train": 1, "test": 2}
def recorder(name):
    def call(*args, **named):
        calls[name] = {key: value for key, value in named.items() if isinstance(value, (int, float, str, list))}
        return Recorded()
    return call
names = {"torch": [], "datasets": ["load_dataset"], "peft": ["LoraConfig"],
         "transformers": ["BitsAndBytesConfig"], "trl": ["SFTConfig", "SFTTrainer"]}
for module, members in names.items():
    made = types.ModuleType(module)
    for member in members: setattr(made, member, recorder(member))
    sys.modules[module] = made
sys.modules["torch"].bfloat16 = "bfloat16"
sys.modules["torch"].float16 = "float16"
model = types.SimpleNamespace(from_pretrained=recorder("model"))
sys.modules["transformers"].AutoModelForCausalLM = model
exec(sys.stdin.read())
print(json.dumps(calls))
`;
  return JSON.parse(
    execFileSync('python3', ['-c', harness, String(rows)], { input: text, encoding: 'utf8' }),
  ) as Record<string, Record<string, unknown>>;
}

describe('a recipe in Python', () => {
  it('is a script that passes PEFT and TRL the same numbers', () => {
    const recipe = {
      ...presetRecipe(presets.find(({ id }) => id === 'qwen-qlora')!),
      targets: ['q_proj', 'v_proj'],
      layers: [0, 1],
      eval_fraction: 0.1,
      rslora: true,
      packing: true,
    };
    const { text, lost } = pythonScript(recipe, 'Qwen/"odd" name');
    expect(lost).toEqual([]);
    const calls = argumentsIn(text);
    expect(calls.LoraConfig).toEqual({
      task_type: 'CAUSAL_LM',
      r: 64,
      lora_alpha: 16,
      lora_dropout: 0.05,
      use_rslora: true,
      target_modules: ['q_proj', 'v_proj'],
      layers_to_transform: [0, 1],
    });
    expect(calls.BitsAndBytesConfig).toEqual({
      load_in_4bit: true,
      bnb_4bit_quant_type: 'nf4',
      bnb_4bit_use_double_quant: true,
      bnb_4bit_compute_dtype: 'bfloat16',
    });
    expect(calls.SFTConfig).toMatchObject({
      num_train_epochs: 5,
      per_device_train_batch_size: 2,
      gradient_accumulation_steps: 8,
      learning_rate: 2e-4,
      adam_beta2: 0.95,
      weight_decay: 0.1,
      max_length: 1024,
      packing: true,
      assistant_only_loss: true,
      eval_strategy: 'steps',
      seed: 42,
      bf16: true,
    });
    expect(calls.split).toEqual({ test_size: 0.1, seed: 42 });
  });

  it.each([
    [49, undefined],
    [55, 6],
    [240, 24],
    [9000, 50],
  ])('holds out of %i rows as many as Graft does by itself', (rows, held) => {
    const calls = argumentsIn(pythonScript(defaultRecipe(), 'm').text, rows);
    expect(calls.split?.test_size).toBe(held);
    expect(calls.SFTConfig?.eval_strategy).toBe(held === undefined ? 'no' : 'steps');
  });

  it('without LoRA has no LoraConfig, and lists what it cannot express', () => {
    const recipe = {
      ...defaultRecipe(),
      method: 'full',
      mask: 'last',
      shuffle: false,
      max_steps: 9,
    } as const;
    const { text, lost } = pythonScript(recipe, 'm');
    expect(lost).toEqual(['mask', 'shuffle']);
    const calls = argumentsIn(text);
    expect(calls.LoraConfig).toBeUndefined();
    expect(calls.SFTConfig).toMatchObject({ max_steps: 9 });
    expect(calls.SFTConfig).not.toHaveProperty('num_train_epochs');
  });
});
