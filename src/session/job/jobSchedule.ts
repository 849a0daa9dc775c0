import type { Recipe } from '../../base/config/recipe.ts';
import type { StepRows } from '../../content/job/jobRows.ts';
import { learningRate } from '../../engine/train/schedule.ts';

/** The text of `schedule.json`: AdamW's settings, and of each step its rate, clip, decay and rows. */
export function scheduleJson(recipe: Recipe, totalSteps: number, steps: readonly StepRows[]): string {
  const { lr, schedule: name, warmup_steps: warmupSteps } = recipe;
  const { beta1, beta2, eps, weight_decay: decay, max_grad_norm: clip } = recipe;
  const lines = steps.map(({ step, ...rows }) => {
    const rate = learningRate({ name, lr, warmupSteps, totalSteps }, step - 1);
    return `  ${JSON.stringify({ step, lr: rate, clip, decay, ...rows })}`;
  });
  return `{"adamw": ${JSON.stringify({ beta1, beta2, eps })}, "steps": [\n${lines.join(',\n')}\n]}\n`;
}
