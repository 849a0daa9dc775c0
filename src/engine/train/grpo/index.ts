export { longestCompletionBatch } from './completionBatch.ts';
export { GrpoObjective } from './completionJudge.ts';
export { reserveGeneration } from './sampleCompletions.ts';
export { SampledSteps } from './sampledSteps.ts';
