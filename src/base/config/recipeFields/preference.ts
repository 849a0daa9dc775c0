import { choice, field, real } from '../recipeField.ts';

/** Settings of the objectives that learn from preferences, by the names of TRL. */
export const preferenceSettings = {
  preference_data: field(
    choice(['refuse', 'chosen']),
    'refuse',
    'advanced',
    'Preference data',
    'Rows with a better and a worse answer, or with answers marked as good or bad: reject them, or train on the better answers only.',
  ),
  dpo_loss: field(
    choice(['sigmoid', 'hinge', 'ipo', 'robust']),
    'sigmoid',
    'advanced',
    'DPO loss',
    'With objective dpo: the usual logistic loss, the hinge loss of SLiC, the squared loss of IPO (per token), or a loss that allows for wrong labels (see label smoothing).',
  ),
  beta: field(
    real(0, 100),
    0.1,
    'advanced',
    'Beta',
    'With dpo, kto and grpo: how close the model stays to the one before training; higher is closer. With grpo, 0 is the default and leaves that out. With cpo and simpo: the scale of rewards; SimPO’s authors use 2 and more.',
  ),
  label_smoothing: field(
    real(0, 0.49),
    0,
    'advanced',
    'Label smoothing',
    'The share of pairs whose answers may be in the wrong order, for the robust DPO loss and for cpo and simpo.',
  ),
  simpo_gamma: field(
    real(0, 100),
    0.5,
    'advanced',
    'SimPO margin',
    'With simpo: by how much the reward of the better answer should exceed that of the worse one.',
  ),
  cpo_alpha: field(
    real(0, 100),
    1,
    'advanced',
    'CPO likelihood',
    'With cpo: the weight of the likelihood of better answers in the loss.',
  ),
  orpo_lambda: field(
    real(0, 100),
    0.1,
    'advanced',
    'ORPO weight',
    'With orpo: the weight of the odds ratio beside the likelihood of prompt and better answer. TRL calls it beta.',
  ),
  desirable_weight: field(
    real(0, 1000),
    1,
    'advanced',
    'Weight of good answers',
    'With kto: what a good answer counts in the loss. Raise it if there are fewer good answers than bad ones.',
  ),
  undesirable_weight: field(
    real(0, 1000),
    1,
    'advanced',
    'Weight of bad answers',
    'With kto: what a bad answer counts in the loss. Raise it if there are fewer bad answers than good ones.',
  ),
};
