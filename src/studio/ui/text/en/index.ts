import { benchmarkTexts } from './benchmark.ts';
import { commonTexts } from './common.ts';
import { dataTexts } from './data.ts';
import { exportTexts } from './export.ts';
import { hubTexts } from './hub.ts';
import { intakeTexts } from './intake.ts';
import { lrSearchTexts } from './lrSearch.ts';
import { memoryTexts } from './memory.ts';
import { modelTexts } from './model.ts';
import { pageTexts } from './page.ts';
import { profileTexts } from './profile.ts';
import { projectsTexts } from './projects.ts';
import { questionTexts } from './questions.ts';
import { recipeTexts } from './recipe.ts';
import { runsTexts } from './runs.ts';
import { sweepTexts } from './sweep.ts';
import { trainTexts } from './train.ts';
import { verdictTexts } from './verdict.ts';
import { tryoutTexts } from './tryout.ts';

/**
 * Every text of the page in English, a file an area; another language is a folder with the same keys. `{name}` is a
 * parameter.
 */
export const en = {
  ...pageTexts,
  ...projectsTexts,
  ...benchmarkTexts,
  ...modelTexts,
  ...hubTexts,
  ...memoryTexts,
  ...dataTexts,
  ...questionTexts,
  ...recipeTexts,
  ...intakeTexts,
  ...lrSearchTexts,
  ...trainTexts,
  ...verdictTexts,
  ...runsTexts,
  ...sweepTexts,
  ...profileTexts,
  ...tryoutTexts,
  ...exportTexts,
  ...commonTexts,
} as const;

export type TextKey = keyof typeof en;
