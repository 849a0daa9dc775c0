import type { FuzzTarget } from './target.ts';
import { dataTargets } from './targets/data.ts';
import { formatTargets } from './targets/formats.ts';
import { jobTargets } from './targets/jobs.ts';
import { intakeTargets } from './targets/intake.ts';
import { modelTargets } from './targets/models.ts';
import { recipeTargets } from './targets/recipes.ts';
import { runTargets } from './targets/runs.ts';
import { templateTargets } from './targets/templates.ts';
import { tokenizerTargets } from './targets/tokenizers.ts';

/** All parsers of what strangers may have written. */
export const targets: readonly FuzzTarget[] = [
  ...formatTargets,
  ...modelTargets,
  ...tokenizerTargets,
  ...templateTargets,
  ...dataTargets,
  ...intakeTargets,
  ...recipeTargets,
  ...runTargets,
  ...jobTargets,
];
