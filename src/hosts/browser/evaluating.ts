import type { EvaluationReport, NamedResult } from '../../session/evaluation/report.ts';
import type { Session } from '../../session/session.ts';
import type { OpenAdapters } from './openAdapters.ts';
import type { EvaluationRequest, EvaluationStep, Progress } from './protocol.ts';
import { loadReports } from './trainingService.ts';

/** Few pages evaluate: the code is loaded by the first that does. */
const evaluation = () => import('../../session/evaluation/index.ts');

/** Scores the rows with each system in turn, and compares them with the first; null where it is stopped. */
export async function evaluateSystems(
  { session, adapters }: { session: Session; adapters: OpenAdapters },
  { data, systems, seed, weights }: EvaluationRequest,
  signal: AbortSignal,
  onStep: (step: EvaluationStep) => void,
  onLoading: (progress: Progress) => void,
): Promise<EvaluationReport | null> {
  const { evaluationReport } = await evaluation();
  const results: NamedResult[] = [];
  const reports = loadReports(onLoading);
  try {
    for (const [system, { name, adapterStrength, trained: ref }] of systems.entries()) {
      const trained = ref && (await adapters.read(ref, reports));
      const result = await session.evaluateRows(data, {
        ...reports,
        ...(trained && { trained }),
        strength: adapterStrength,
        fallback: weights,
        signal,
        onRows: (progress) => onStep({ system, ...progress }),
      });
      results.push({ name, result });
    }
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
  return evaluationReport(data, results, { seed });
}
