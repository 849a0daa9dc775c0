/** Evaluation: rows of a file answered and scored by several systems. Loaded when it is first used. */
export { ScoringGuard } from '../../content/rewards/scoringGuard.ts';
export { scoringInThread } from '../../content/rewards/scoringService.ts';
export { evaluateRows } from './evaluateRows.ts';
export { readEvaluation } from './evaluationData.ts';
export { evaluationReport, reportCsv } from './report.ts';
