import type { Texts } from '../texts.ts';
import { benchmarkTextsZh } from './benchmark.ts';
import { commonTextsZh } from './common.ts';
import { dataTextsZh } from './data.ts';
import { detailInChinese } from './detail.ts';
import { errorTextsZh } from './errors/index.ts';
import { exportTextsZh } from './export.ts';
import { fieldTextsZh } from './fields.ts';
import { hubTextsZh } from './hub.ts';
import { intakeTextsZh } from './intake.ts';
import { lrSearchTextsZh } from './lrSearch.ts';
import { memoryTextsZh } from './memory.ts';
import { modelTextsZh } from './model.ts';
import { pageTextsZh } from './page.ts';
import { profileTextsZh } from './profile.ts';
import { projectsTextsZh } from './projects.ts';
import { questionTextsZh } from './questions.ts';
import { recipeTextsZh } from './recipe.ts';
import { runsTextsZh } from './runs.ts';
import { sweepTextsZh } from './sweep.ts';
import { trainTextsZh } from './train.ts';
import { verdictTextsZh } from './verdict.ts';
import { tryoutTextsZh } from './tryout.ts';

/**
 * Every text of the page in 简体中文, by the same keys as in English. Terms are those of docs/glossary.md; LoRA, QLoRA,
 * GGUF, token, logits, kernel, dispatch, dropout and names of files and fields stay as they are. A space stands between
 * Chinese and Latin letters or digits; punctuation is full width.
 */
export const zh: Texts = {
  phrases: {
    ...pageTextsZh,
    ...projectsTextsZh,
    ...benchmarkTextsZh,
    ...modelTextsZh,
    ...hubTextsZh,
    ...memoryTextsZh,
    ...dataTextsZh,
    ...questionTextsZh,
    ...recipeTextsZh,
    ...intakeTextsZh,
    ...lrSearchTextsZh,
    ...trainTextsZh,
    ...verdictTextsZh,
    ...runsTextsZh,
    ...sweepTextsZh,
    ...profileTextsZh,
    ...tryoutTextsZh,
    ...exportTextsZh,
    ...commonTextsZh,
  },
  errors: errorTextsZh,
  fields: fieldTextsZh,
  detail: detailInChinese,
};
