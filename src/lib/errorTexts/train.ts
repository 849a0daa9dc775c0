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
    what: 'The recipe’s "{key}" is {value}, but it must be {expected}.',
    next: 'Correct the value and start again.',
  },
  'train.flag_invalid': {
    what: '“{file}” has {flag} {value}, but it must be {expected}.',
    next: 'Write the value itself into the script, or give a recipe as JSON, and start again.',
  },
  'train.no_flags': {
    what: 'There is no flag of finetune.py in this text.',
    next: 'Paste the command with its flags, such as --learning_rate 3e-4 --use_lora, or the whole script.',
  },
  'train.shared_broken': {
    what: 'The link carries a recipe that cannot be read.',
    next: 'Ask for the link again: it may have been cut off on its way.',
  },
  'train.no_rows': {
    what: 'There is no row to train on.',
    next: 'Check the data set and its problems by line.',
  },
  'train.no_targets': {
    what: 'No module of this model is called {targets}.',
    next: 'Choose among {known}, or "all-linear".',
  },
  'train.no_saved_module': {
    what: 'This model cannot train “{module}” in full.',
    next: 'Choose among {known} for "modules_to_save", or leave it empty.',
  },
  'train.budget_too_small': {
    what: 'Training needs at least {least} bytes of GPU memory with all that can wait on disk there; the budget is {budget}.',
    next: 'Raise the budget, or lower batch_size, max_length or rank.',
  },
  'train.full_quantized': {
    what: 'Every parameter of this model cannot be trained: it comes in 4 bits ({method}).',
    next: 'Choose the method LoRA, which trains on it as it is, or the same model in 16 bits.',
  },
  'train.full_no_adapter': {
    what: 'Every parameter of the model was trained, so there is no adapter to take away.',
    next: 'Export the merged model: it is the whole model as trained.',
  },
  'train.full_budget': {
    what: 'Training every parameter needs {least} bytes of GPU memory, none of which can wait on disk; the budget is {budget}.',
    next: 'Raise the budget, lower batch_size or max_length, or choose the method LoRA.',
  },
  'train.layer_out_of_range': {
    what: 'Layer {layer} does not exist: the model has {layers} layers, counted from 0.',
    next: 'Correct "layers" in the recipe.',
  },
  'train.diverged': {
    what: 'Training diverged at step {step}: the gradient was not finite for {count} steps in a row.',
    next: 'Lower the learning rate, or check the data; the adapter of the last good step is kept.',
  },
  'train.batch_too_large': {
    what: 'The GPU has too little memory for the longest batch. Nothing was trained yet.',
    next: 'Set "batch_size" to {batch_size} and "grad_accum" to {grad_accum}: the same training in smaller pieces.',
  },
  'train.row_too_large': {
    what: 'The GPU has too little memory for the longest row. Nothing was trained yet.',
    next: 'Lower "max_length", use the method QLoRA, or set a memory budget.',
  },
  'train.growth_8bit': {
    what: 'A rank that grows cannot keep AdamW’s states in 8 bits.',
    next: 'Set "optimizer" to "adamw", or "start_rank" to 0.',
  },
  'train.not_finite': {
    what: 'The state of the run after step {step} is not finite ({name}), so it was not saved.',
    next: 'Lower the learning rate and go on from the last checkpoint, which is intact.',
  },
  'train.resume_unreadable': {
    what: 'The checkpoint is not one of this run: its part “{part}” is missing, or not what it should be.',
    next: 'Go on from another checkpoint, or start the run anew.',
  },
  'train.resume_other_model': {
    what: 'The checkpoint belongs to a run on another model, or on another version of it.',
    next: 'Open the model the run began with, or start a new run.',
  },
  'train.resume_other_data': {
    what: 'The checkpoint belongs to a run on other rows: the data, or how it is turned into tokens, has changed.',
    next: 'Open the data the run began with, or start a new run.',
  },
  'train.resume_other_recipe': {
    what: 'The checkpoint belongs to a run with another recipe: {keys} differ.',
    next: 'Go on with the recipe the run began with, or start a new run.',
  },
  'train.no_eval_rows': {
    what: 'The recipe’s “{key}” needs an evaluation loss, but no rows are set aside.',
    next: 'Set "eval_fraction" above 0, or turn “{key}” off.',
  },
  'train.row_too_long': {
    what: 'A row of {length} tokens is longer than the model’s {positions} positions.',
    next: 'Lower "max_length" to {positions} or less.',
  },
  'train.adapter_base': {
    what: 'The adapter brings its own base weights of "{module}", which differ from the model’s, so that training cannot go on from it.',
    next: 'Merge it first and train on the merged model, or choose the adapter’s own base model.',
  },
  'train.target_saved': {
    what: '"{module}" is both a target of LoRA and in "modules_to_save", which trains it in full.',
    next: 'Take it out of one of the two.',
  },
  'train.target_too_large': {
    what: 'LoRA of rank {rank} on "{module}" takes a matrix of {bytes} bytes, more than this GPU binds at once ({limit}).',
    next: 'Lower the rank, or take the module out of the targets.',
  },
} satisfies Record<string, ErrorText>;
