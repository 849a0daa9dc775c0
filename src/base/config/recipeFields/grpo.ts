import { choice, count, field, real } from '../recipeField.ts';
import { rewardList } from '../rewards.ts';

/** Settings of GRPO, by the names of TRL. */
export const grpoSettings = {
  rewards: field(
    rewardList,
    [],
    'advanced',
    'Rewards',
    'With grpo: what answers are rewarded for, as a JSON list such as [{"kind": "number"}, {"kind": "length", "max": 20, "unit": "tokens", "weight": 0.2}]. Kinds: exact, contains, number (compared with the row’s reference answer or a "column"), regex, format (the whole answer), json (with a "schema"), length, javascript (a function’s "source").',
  ),
  num_generations: field(
    count(2, 256),
    8,
    'advanced',
    'Answers per prompt',
    'With grpo: how many answers to each prompt are compared with each other. More make steadier steps and take longer.',
  ),
  max_completion_length: field(
    count(1, 1 << 20),
    256,
    'advanced',
    'Max answer length',
    'With grpo: an answer ends after this many tokens at the latest, and where prompt and answer reach the max length.',
  ),
  temperature: field(
    real(0.01, 100),
    1,
    'advanced',
    'Temperature',
    'With grpo: how varied the sampled answers are. Probabilities in the loss are at this temperature, as in TRL.',
  ),
  top_p: field(
    real(0.001, 1),
    1,
    'advanced',
    'Top p',
    'With grpo: sample from the likeliest tokens whose probabilities sum to this; 1 takes all.',
  ),
  top_k: field(
    count(0, 1 << 20),
    0,
    'advanced',
    'Top k',
    'With grpo: sample from this many of the likeliest tokens; 0 takes all.',
  ),
  epsilon: field(
    real(0.0001, 100),
    0.2,
    'advanced',
    'Clip range',
    'With grpo: how far the probability of a token may move from where it was sampled before it is no longer pushed. It matters from the second pass over the same answers on.',
  ),
  num_iterations: field(
    count(1, 1000),
    1,
    'advanced',
    'Passes per sample',
    'With grpo: optimizer steps on the same sampled answers before new ones are sampled.',
  ),
  loss_type: field(
    choice(['grpo', 'bnpo', 'dr_grpo', 'dapo']),
    'dapo',
    'advanced',
    'GRPO loss',
    'With grpo: how the losses of tokens are averaged: over each answer and then over answers (grpo), over all tokens of a micro-batch (bnpo) or of a step (dapo), or by the max answer length (dr_grpo), which favors no length.',
  ),
  scale_rewards: field(
    choice(['group', 'batch', 'none']),
    'group',
    'advanced',
    'Scale rewards',
    'With grpo: whether advantages are divided by the deviation of rewards among the answers to a prompt, among all answers of a step, or not.',
  ),
};
