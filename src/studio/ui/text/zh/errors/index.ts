import type { ErrorCode } from '../../../../../base/lib/errorTexts/index.ts';
import type { ErrorText } from '../../../../../base/lib/errorTexts/types.ts';
import { cliErrorsZh } from './cli.ts';
import { dataErrorsZh } from './data.ts';
import { dataFilesErrorsZh } from './dataFiles.ts';
import { formatsErrorsZh } from './formats.ts';
import { gpuErrorsZh } from './gpu.ts';
import { hubErrorsZh } from './hub.ts';
import { inferErrorsZh } from './infer.ts';
import { intakeErrorsZh } from './intake.ts';
import { jobErrorsZh } from './job.ts';
import { mergeErrorsZh } from './merge.ts';
import { modelErrorsZh } from './model.ts';
import { projectsErrorsZh } from './projects.ts';
import { runsErrorsZh } from './runs.ts';
import { speedErrorsZh } from './speed.ts';
import { storageErrorsZh } from './storage.ts';
import { trainErrorsZh } from './train.ts';
import { workersErrorsZh } from './workers.ts';

/** Every error in 简体中文, by the codes of src/base/lib/errorTexts/. */
export const errorTextsZh: Record<ErrorCode, ErrorText> = {
  ...cliErrorsZh,
  ...dataErrorsZh,
  ...dataFilesErrorsZh,
  ...formatsErrorsZh,
  ...gpuErrorsZh,
  ...hubErrorsZh,
  ...inferErrorsZh,
  ...intakeErrorsZh,
  ...jobErrorsZh,
  ...mergeErrorsZh,
  ...modelErrorsZh,
  ...projectsErrorsZh,
  ...runsErrorsZh,
  ...speedErrorsZh,
  ...storageErrorsZh,
  ...trainErrorsZh,
  ...workersErrorsZh,
};
