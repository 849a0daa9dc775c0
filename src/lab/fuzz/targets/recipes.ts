import { importFlags } from '../../../base/config/finetuneFlags.ts';
import {
  checkField,
  defaultRecipe,
  parseRecipe,
  recipeFields,
  type Recipe,
  type RecipeKey,
} from '../../../base/config/recipe.ts';
import { parseRecipeFragment, recipeFragment } from '../../../base/config/recipeLink.ts';
import { parseRunRecord } from '../../../base/config/runRecord.ts';
import { readJson } from '../../../content/formats/text.ts';
import {
  parseDatasetFile,
  parseDatasetReference,
  parseModelReference,
} from '../../../content/hub/repoReference.ts';
import { memoryFolder } from '../../../testing/sources.ts';
import { bytesOf, holds, textOf, type FuzzTarget } from '../target.ts';

const keys = Object.keys(recipeFields) as RecipeKey[];
const fieldWords = keys.map((key) => `"${key}":`);

const changed: Recipe = {
  ...defaultRecipe(),
  rank: 16,
  lr: 3e-4,
  targets: ['q_proj', 'v_proj'],
  memory_budget: 8_000_000_000,
};

/** All fields of a recipe that was accepted have values that are. */
function checkRecipe(recipe: Recipe): void {
  for (const key of keys) holds(checkField(key, recipe[key]) === null, `${key} is valid`);
}

const json = (input: Uint8Array) => readJson(memoryFolder({ 'recipe.json': input }), 'recipe.json');

const record = JSON.stringify({
  base: { name: 'm', repo: 'org/m', commit: null, license: null },
  data: {
    file: 'd.jsonl',
    rows: 3,
    evalRows: 0,
    tokens: 9,
    trainedTokens: 5,
    changes: { edited: 1, excluded: 0 },
  },
  recipe: changed,
  steps: 3,
  loss: { first: 2, last: 1 },
  evalLosses: [{ step: 1, loss: 2 }],
  kernels: { 'NT f32': '64x64' },
});

export const recipeTargets: readonly FuzzTarget[] = [
  {
    name: 'recipe-link',
    text: true,
    quick: 320,
    dictionary: [...fieldWords, '#recipe=', '&', '=', '%7B', 'e30'],
    seeds: async () => [bytesOf(recipeFragment(changed)), bytesOf(JSON.stringify(changed))],
    run(input) {
      const text = textOf(input);
      // The JSON in a link is reached by whole links and by links made of a mutated text.
      const base64 = Buffer.from(input).toString('base64url');
      for (const fragment of [text, `#recipe=${base64}`]) {
        const found = parseRecipeFragment(fragment);
        if (found === null || found === 'broken') continue;
        checkRecipe(found.recipe);
        const again = parseRecipeFragment(recipeFragment(found.recipe));
        holds(
          typeof again === 'object' && JSON.stringify(again?.recipe) === JSON.stringify(found.recipe),
          'a link of a recipe is that recipe',
        );
      }
    },
  },
  {
    name: 'recipe',
    text: true,
    quick: 320,
    dictionary: [...fieldWords, '"8GB"', '"all-linear"'],
    seeds: async () => [bytesOf(JSON.stringify(changed)), bytesOf(JSON.stringify(defaultRecipe(), null, 2))],
    async run(input) {
      checkRecipe(parseRecipe(await json(input)));
    },
  },
  {
    name: 'run-record',
    text: true,
    quick: 320,
    dictionary: fieldWords,
    seeds: async () => [bytesOf(record)],
    async run(input) {
      const found = parseRunRecord(await json(input));
      if (found) checkRecipe(found.recipe);
    },
  },
  {
    name: 'flags',
    text: true,
    quick: 320,
    dictionary: [
      '$(( ',
      '))',
      '${A:-',
      '}',
      '$A',
      '\\\n',
      "'",
      '"',
      '`ls`',
      '$(ls)',
      '--lora_r ',
      '--fp16 ',
      ' && ',
      'if [ ',
      ' ** ',
      '<<EOF\n',
    ],
    seeds: async () =>
      [
        '#!/bin/bash\nexport CUDA_DEVICE_MAX_CONNECTIONS=1\nDIR=`pwd`\nMODEL="Qwen/Qwen-7B"\nGPUS=$((2 * 4))\nfunction usage() {\n echo x\n}\npython finetune.py \\\n  --model_name_or_path $MODEL \\\n  --data_path "data.json" \\\n  --learning_rate 3e-4 --num_train_epochs ${EPOCHS:-5} --use_lora\n',
        'python finetune.py --bf16 True --lora_r=8 --lora_alpha 16 --warmup_ratio 0.01 --q_lora True --lr_scheduler_type "cosine" --per_device_train_batch_size $((1 + 1))',
        'bash finetune/finetune_lora_single_gpu.sh -m Qwen/Qwen-1_8B-Chat -d data.json',
      ].map(bytesOf),
    run(input) {
      for (const rows of [null, 100]) checkRecipe(importFlags(textOf(input), rows).recipe);
    },
  },
  {
    name: 'hub-reference',
    text: true,
    quick: 320,
    dictionary: [
      'hf:',
      'datasets/',
      '@',
      '..',
      '//',
      '%2e',
      'https://huggingface.co/',
      '/tree/main',
      'refs/pr/1',
      '\0',
      '#',
      '?',
    ],
    seeds: async () =>
      [
        'org/name@v1.0',
        'hf:datasets/org/name@refs/convert/parquet/default/train/0000.parquet',
        'https://huggingface.co/Qwen/Qwen2.5-0.5B/tree/main/x',
        'gpt2',
      ].map(bytesOf),
    run(input) {
      const text = textOf(input);
      const parse = [
        parseModelReference,
        parseDatasetReference,
        (name: string) => parseDatasetFile(name).reference,
      ];
      let accepted = 0;
      let refused: unknown;
      for (const read of parse) {
        try {
          const { repo, revision } = read(text);
          accepted += 1;
          holds(!/\.\.|\/\/|[\p{Cc}%?#\\]|^\/|\/$/u.test(repo), 'repos are plain paths');
          holds(!/\.\.|\/\/|[\p{Cc}%?#\\]|^\/|\/$/u.test(revision), 'revisions are plain paths');
        } catch (error) {
          refused = error;
          if (String(error).includes('broken promise')) throw error;
        }
      }
      if (accepted === 0) throw refused;
    },
  },
];
