import type { ErrorCode } from '../../../../lib/errorTexts/index.ts';
import type { ErrorText } from '../../../../lib/errorTexts/types.ts';
import { cliErrorsZh } from './cli.ts';
import { dataErrorsZh } from './data.ts';
import { dataFilesErrorsZh } from './dataFiles.ts';
import { formatsErrorsZh } from './formats.ts';
import { gpuErrorsZh } from './gpu.ts';
import { hubErrorsZh } from './hub.ts';
import { inferErrorsZh } from './infer.ts';
import { mergeErrorsZh } from './merge.ts';
import { modelErrorsZh } from './model.ts';
import { runsErrorsZh } from './runs.ts';
import { speedErrorsZh } from './speed.ts';
import { storageErrorsZh } from './storage.ts';
import { trainErrorsZh } from './train.ts';
import { workersErrorsZh } from './workers.ts';

/** Every error in 简体中文, by the codes of src/lib/errorTexts/. */
export const errorTextsZh: Record<ErrorCode, ErrorText> = {
  ...cliErrorsZh,
  ...dataErrorsZh,
  ...dataFilesErrorsZh,
  ...formatsErrorsZh,
  ...gpuErrorsZh,
  ...hubErrorsZh,
  ...inferErrorsZh,
  ...mergeErrorsZh,
  ...modelErrorsZh,
  ...runsErrorsZh,
  ...speedErrorsZh,
  ...storageErrorsZh,
  ...trainErrorsZh,
  ...workersErrorsZh,
};
