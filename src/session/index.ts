/**
 * The public API: fine-tune, evaluate, try and merge a model on WebGPU, in a page or in Node. `hosts/browser/api.ts` and
 * `hosts/node/api.ts` add what their host brings. See docs/api.md.
 */
export { Session, type UseOptions } from './session.ts';
export { LibrarySession, type ChatOptions, type ReadRows, type WriteModelOptions } from './librarySession.ts';
export type { Host } from './host.ts';
export { OpenModel, type LoadReports, type OpenModelOptions, type WeightSettings } from './openModel.ts';
export type {
  RowsInMemory,
  RunStorage,
  SamplePrompt,
  SplitRows,
  TrainJob,
  TrainOptions,
  TrainOutcome,
} from './trainJob.ts';
export type { StepEvent, TrainEvent } from './events.ts';
export type { EvaluationData, EvaluationSettings } from './evaluation/evaluationData.ts';
export type { EvaluateOptions, EvaluationProgress, SystemResult } from './evaluation/evaluateRows.ts';
export { evaluationReport, reportCsv, type EvaluationReport, type NamedResult } from './evaluation/report.ts';
export { judgeAnswers, type Judge } from './evaluation/judge.ts';
export { metricNames, type MetricName } from '../content/metrics/metrics.ts';
export { readSchema } from '../content/metrics/jsonSchema.ts';
export { TrainedResult } from './trainedResult.ts';
export { writeAdapterFolder } from './trainedFiles.ts';
export type { ExportSizes, MergeSettings } from './mergeTrained.ts';
export type { SweepJob, SweepOptions, SweepStorage } from './sweep/sweepJob.ts';
export type { Sweep, SweepRun } from '../content/runs/sweep.ts';
export { SweepStore } from '../content/runs/sweepStore.ts';
export { errorKind, type ErrorKind } from '../base/lib/errorKind.ts';
export { GraftError, type ErrorCode, type ErrorParams } from '../base/lib/errors.ts';
export { defaultRecipe, parseRecipe, recipeFields, type Recipe } from '../base/config/recipe.ts';
export type { ByteSink, ByteSource, Directory, Folder, WritableFolder } from '../base/storage/types.ts';
export { MemoryFolder } from '../base/storage/memoryFolder.ts';
export { RunStore } from '../content/runs/runStore.ts';
export type { Prompt, PromptTokens } from '../content/guard/textProtocol.ts';
export { Hub } from '../content/hub/hub.ts';
export { hubFolder } from '../content/hub/hubFolder.ts';
export { resolveRepo } from '../content/hub/resolveRepo.ts';
