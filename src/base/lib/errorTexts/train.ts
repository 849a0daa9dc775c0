import type { ErrorText } from './types.ts';

export const trainErrors = {
  'train.recipe_not_object': {
    what: 'The recipe is not a JSON object.',
    next: 'Write its settings as one object, such as {"rank": 16, "lr": 0.0002}.',
  },
  'train.recipe_unknown_key': {
    what: 'The recipe has an unknown key "{key}".',
    next: 'Remove or correct it; the keys are {known}.',
  },
  'train.recipe_invalid': {
    what: 'The recipe’s "{key}" is {value}, but must be {expected}.',
    next: 'Correct the value and start again.',
  },
  'train.objective_refuses': {
    what: 'The objective "{objective}" does not go with "{key}" of {value}.',
    next: 'Set "{key}" to {expected}, or choose another objective.',
  },
  'train.objective_no_range': {
    what: 'The learning-rate range test compares losses, and those of the objective "{objective}" say nothing about the learning rate.',
    next: 'Train a few steps at two or three learning rates, and compare their rewards.',
  },
  'train.no_rewards': {
    what: 'The objective "grpo" needs something that answers are rewarded for, and "rewards" is empty.',
    next: 'Give "rewards" a list such as [{"kind": "exact"}]; docs/grpo.md has all kinds.',
  },
  'train.grpo_no_tokenizer': {
    what: 'The objective "grpo" rewards the text of answers, and this model has no tokenizer to make text with.',
    next: 'Choose a model folder with its tokenizer.',
  },
  'train.reward_failed': {
    what: 'The reward "{name}" cannot be computed: {detail}.',
    next: 'Correct the function in "rewards" and resume the run.',
  },
  'train.no_reward_functions': {
    what: 'The reward "{name}" is a JavaScript function, which this program cannot run apart from itself.',
    next: 'Train with `graft train` on the command line, or choose one of the other kinds of rewards.',
  },
  'train.reward_not_allowed': {
    what: 'The reward "{name}" is a JavaScript function, and you did not allow it to run.',
    next: 'Resume the run and allow it, or take it out of "rewards" and train again.',
  },
  'train.kto_one_row': {
    what: 'KTO compares answers within a batch, and a batch_size of 1 leaves none to compare with.',
    next: 'Raise batch_size to 2 or more.',
  },
  'train.flag_invalid': {
    what: '{flag} in “{file}” is {value}, but must be {expected}.',
    next: 'Write the value itself into the script, or use a JSON recipe, and start again.',
  },
  'train.no_flags': {
    what: 'This text contains no finetune.py flags.',
    next: 'Paste the command with its flags, such as --learning_rate 3e-4 --use_lora, or the whole script.',
  },
  'train.shared_broken': {
    what: 'The recipe in this link cannot be read.',
    next: 'Ask for the link again: it may have been truncated.',
  },
  'train.no_rows': {
    what: 'There are no rows to train on.',
    next: 'Check the dataset and the problems reported for its lines.',
  },
  'train.no_targets': {
    what: 'This model has no module named {targets}.',
    next: 'Choose from {known}, or use "all-linear".',
  },
  'train.no_saved_module': {
    what: 'This model cannot train “{module}” in full.',
    next: 'Choose from {known} for "modules_to_save", or leave it empty.',
  },
  'train.budget_too_small': {
    what: 'Training needs at least {least} bytes of GPU memory, even with everything possible offloaded to disk; the budget is {budget}.',
    next: 'Raise the budget, or lower batch_size, max_length or rank.',
  },
  'train.full_quantized': {
    what: 'This model is stored in 4 bits ({method}), so its parameters cannot all be trained.',
    next: 'Choose the LoRA method, which trains on it as it is, or a 16-bit version of the model.',
  },
  'train.full_no_adapter': {
    what: 'All parameters of the model were trained, so there is no adapter to export.',
    next: 'Export the merged model: it is the complete trained model.',
  },
  'train.full_budget': {
    what: 'Training all parameters needs {least} bytes of GPU memory, none of which can be offloaded; the budget is {budget}.',
    next: 'Raise the budget, lower batch_size or max_length, or choose the LoRA method.',
  },
  'train.layer_out_of_range': {
    what: 'Layer {layer} does not exist: the model has {layers} layers, counted from 0.',
    next: 'Correct "layers" in the recipe.',
  },
  'train.diverged': {
    what: 'Training diverged at step {step}: the gradient was not finite for {count} steps in a row.',
    next: 'Lower the learning rate, or check the data; the adapter of the last good step is available.',
  },
  'train.batch_too_large': {
    what: 'The GPU has too little memory for the longest batch. Nothing has been trained yet.',
    next: 'Set "batch_size" to {batch_size} and "grad_accum" to {grad_accum}: the same training in smaller pieces.',
  },
  'train.row_too_large': {
    what: 'The GPU has too little memory for the longest row. Nothing has been trained yet.',
    next: 'Lower "max_length", use QLoRA, or set a memory budget.',
  },
  'train.growth_8bit': {
    what: 'A growing rank does not work with 8-bit AdamW states.',
    next: 'Set "optimizer" to "adamw", or "start_rank" to 0.',
  },
  'train.not_finite': {
    what: 'The state of the run after step {step} is not finite ({name}), so it was not saved.',
    next: 'Lower the learning rate and resume from the last checkpoint, which is intact.',
  },
  'train.resume_unreadable': {
    what: 'The checkpoint does not match this run: its “{part}” is missing or invalid.',
    next: 'Resume from another checkpoint, or start the run again.',
  },
  'train.resume_other_model': {
    what: 'The checkpoint belongs to a run on another model, or on another version of it.',
    next: 'Open the model the run started with, or start a new run.',
  },
  'train.resume_other_data': {
    what: 'The checkpoint belongs to a run on other rows: the data, or its tokenization, has changed.',
    next: 'Open the data the run started with, or start a new run.',
  },
  'train.resume_other_adapter': {
    what: 'The run did not begin with this adapter.',
    next: 'Resume without naming an adapter, since the run keeps the one that it began with, or start a new run.',
  },
  'train.resume_other_recipe': {
    what: 'The checkpoint belongs to a run with another recipe: {keys} differ.',
    next: 'Resume with the recipe the run started with, or start a new run.',
  },
  'train.no_eval_rows': {
    what: 'The recipe’s “{key}” needs an evaluation loss, but no rows are held out.',
    next: 'Set "eval_fraction" above 0 or give a validation file, or turn “{key}” off.',
  },
  'train.row_too_long': {
    what: 'A row of {length} tokens exceeds the model’s context of {positions}.',
    next: 'Lower "max_length" to {positions} or less.',
  },
  'train.token_beyond_model': {
    what: 'The rows contain token {id}, but the model has only {vocabSize} tokens.',
    next: 'Open the model that the rows were made for, or start a new run from the data file.',
  },
  'train.adapter_base': {
    what: 'The adapter includes its own base weights for "{module}", which differ from the model’s, so training cannot continue from it.',
    next: 'Merge it first and train on the merged model, or choose the adapter’s own base model.',
  },
  'train.expert_dropout': {
    what: 'The adapter has a dropout of {dropout}, but PEFT has none for experts and their router ({module}).',
    next: 'Set dropout to 0, or adapt other modules, such as those of attention.',
  },
  'train.adapter_biases': {
    what: 'The adapter has trained biases ({module}), which Graft runs and merges but does not train.',
    next: 'Merge it first and train on the merged model.',
  },
  'train.dora_dropout': {
    what: 'DoRA cannot be trained with dropout here (dropout is {dropout}).',
    next: 'Set dropout to 0, or train plain LoRA.',
  },
  'train.pissa_setting': {
    what: 'Initialization "{init}" does not work with "{key}" {value}.',
    next: 'Set "{key}" to {instead}, or "init_lora_weights" to "default".',
  },
  'train.pissa_quantized': {
    what: 'Initialization "{init}" decomposes the model’s weights, which are quantized ({method}).',
    next: 'Train on the model that is not quantized, or set "init_lora_weights" to "default".',
  },
  'train.pissa_module': {
    what: 'Initialization "{init}" is for linear layers of blocks, which "{module}" is not.',
    next: 'Remove the module from the targets, or set "init_lora_weights" to "default".',
  },
  'train.pissa_rank': {
    what: 'Rank {rank} is more than the {side} singular values of "{module}", which PiSSA begins with.',
    next: 'Lower "rank" to {side} or less, remove the module from the targets, or set "init_lora_weights" to "default".',
  },
  'train.pissa_exact': {
    what: 'The shorter side of "{module}" is {side}: exact singular values of matrices above {limit} take too long.',
    next: 'Set "init_lora_weights" to "pissa_niter_16".',
  },
  'train.pissa_stopped': {
    what: 'The run was stopped while the singular values of its weights were computed. Nothing has been trained.',
    next: 'Start it again; with fewer passes, such as "pissa_niter_4", they take less time.',
  },
  'train.target_saved': {
    what: '"{module}" is both a LoRA target and in "modules_to_save", which trains it in full.',
    next: 'Remove it from one of the two.',
  },
  'train.head_trained': {
    what: 'The LM head is trained in full, so it cannot be kept in fewer bits: "head" is "{head}".',
    next: 'Set "head" to "stored", or choose the LoRA method without "{module}" in "modules_to_save".',
  },
  'train.target_too_large': {
    what: 'LoRA of rank {rank} on "{module}" needs a matrix of {bytes} bytes, more than this GPU can bind at once ({limit}).',
    next: 'Lower the rank, or remove the module from the targets.',
  },
  'train.sweep_few': {
    what: 'A sweep compares at least two recipes; there is {count}.',
    next: 'Give more recipes, or more values of a setting.',
  },
  'train.sweep_many': {
    what: 'The sweep has {count} recipes, more than {most}.',
    next: 'Give fewer recipes, or fewer values.',
  },
  'train.sweep_list': {
    what: '“{file}” is not a list of recipes.',
    next: 'Write them as a JSON list, such as [{"lr": 0.0001}, {"lr": 0.0003}].',
  },
  'train.sweep_same': {
    what: 'Recipes {first} and {second} of the sweep are the same.',
    next: 'Leave one of them out.',
  },
  'train.sweep_other_rows': {
    what: 'The recipes of the sweep differ in "{key}", which changes the rows or what their loss means, so their evaluation losses cannot be compared.',
    next: 'Give all of them the same "{key}", or train one run for each value.',
  },
  'train.sweep_no_eval_rows': {
    what: 'A sweep compares evaluation losses, but no rows are held out.',
    next: 'Set "eval_fraction" above 0, or give a validation file.',
  },
  'train.sweep_other_recipes': {
    what: 'The sweep that is there has other recipes or other rungs.',
    next: 'Resume it without giving any, or start a new sweep in a new folder.',
  },
  'train.sweep_all_failed': {
    what: 'All {count} runs of the sweep failed; the first with: {detail}',
    next: 'Correct the recipes, and start a new sweep.',
  },
} satisfies Record<string, ErrorText>;
