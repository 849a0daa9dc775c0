import { cliErrors } from './cli.ts';
import { dataErrors } from './data.ts';
import { dataFilesErrors } from './dataFiles.ts';
import { formatsErrors } from './formats.ts';
import { gpuErrors } from './gpu.ts';
import { hubErrors } from './hub.ts';
import { inferErrors } from './infer.ts';
import { intakeErrors } from './intake.ts';
import { jobErrors } from './job.ts';
import { mergeErrors } from './merge.ts';
import { modelErrors } from './model.ts';
import { projectsErrors } from './projects.ts';
import { runsErrors } from './runs.ts';
import { speedErrors } from './speed.ts';
import { storageErrors } from './storage.ts';
import { trainErrors } from './train.ts';
import type { ErrorText } from './types.ts';
import { workersErrors } from './workers.ts';

const texts = {
  ...cliErrors,
  ...dataErrors,
  ...dataFilesErrors,
  ...formatsErrors,
  ...gpuErrors,
  ...hubErrors,
  ...inferErrors,
  ...intakeErrors,
  ...jobErrors,
  ...mergeErrors,
  ...modelErrors,
  ...projectsErrors,
  ...runsErrors,
  ...speedErrors,
  ...storageErrors,
  ...trainErrors,
  ...workersErrors,
};

export type ErrorCode = keyof typeof texts;

/** Every error code with its English text, one file an area. */
export const errorTexts: Record<ErrorCode, ErrorText> = texts;
