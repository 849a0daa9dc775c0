import { defaultReading } from '../../../base/config/reading.ts';
import type { Recipe } from '../../../base/config/recipe.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import type { ByteSource } from '../../../base/storage/types.ts';
import type { Encoding } from '../../../content/data/files/encoding.ts';
import type { Dataset } from '../../../content/data/dataset/dataset.ts';
import { selectRows } from '../../../content/data/tokens/tokenRows.ts';
import type { RowPrompt } from '../../../content/data/rows/rowPrompt.ts';
import type { TextGuard } from '../../../content/guard/textGuard.ts';
import { isAnswerMetric, needsExpected } from '../../../content/metrics/metrics.ts';
import { answerRow, type EvaluationData } from '../../../session/evaluation/evaluationData.ts';
import type { EvaluationSettings, PreparedEvaluation, RowProblem } from '../dataProtocol.ts';
import { heldOutPrompts } from './prompts.ts';
import { problemFrom } from './rowProblems.ts';

/** The held-out rows, or those of the validation file, made ready to be scored. Metrics without rows are left out. */
export async function heldOutEvaluation(
  dataset: Dataset,
  text: TextGuard,
  { metrics, options, maxNewTokens, maxPositions, system, templateArgs }: EvaluationSettings,
): Promise<PreparedEvaluation> {
  const { tokens, parsed } = dataset;
  const held = tokens?.validation ?? (tokens && selectRows(tokens.all, tokens.evaluation));
  const lines = tokens?.validation?.lines ?? tokens?.evaluation.map((row) => tokens.all.lines[row]!) ?? [];
  const data: EvaluationData = {
    file: dataset.validation?.parsed.name ?? parsed.name,
    metrics: [],
    options,
    maxNewTokens,
    answers: [],
    losses: held && { tokens: held, rows: Array.from(lines, (line, row) => ({ line, row })) },
    choices: [],
    problems: [],
  };
  const problems: RowProblem[] = [];
  if (metrics.some(isAnswerMetric)) {
    const of = dataset.validation ?? dataset;
    for (const prompt of heldOutPrompts(of, of !== dataset).prompts) {
      try {
        data.answers.push(
          await answerRow(withSystem(prompt, system), text, { maxPositions }, { templateArgs }),
        );
      } catch (error) {
        if (!(error instanceof GraftError)) throw error;
        problems.push(problemFrom(error, prompt.line, data.file));
      }
    }
  }
  const isComparable = data.answers.some(({ expected }) => expected !== null);
  data.metrics = metrics.filter((name) => {
    // Questions with choices are no rows to train on.
    if (name === 'choice') return false;
    return isAnswerMetric(name)
      ? data.answers.length > 0 && (isComparable || !needsExpected(name))
      : held !== null;
  });
  return { data, problems };
}

/**
 * The rows of a file, made ready to be scored: what `graft evaluate` reads. Metrics without rows are left out. Throws as
 * `readEvaluation` does.
 */
export async function fileEvaluation(
  source: ByteSource,
  text: TextGuard,
  {
    metrics,
    options,
    maxNewTokens,
    maxPositions,
    shots,
    templateArgs,
    vocabSize,
    mask,
    encoding,
  }: EvaluationSettings & { vocabSize: number; mask: Recipe['mask']; encoding?: Encoding },
): Promise<PreparedEvaluation> {
  const { readEvaluation } = await import('../../../session/evaluation/evaluationData.ts');
  const data = await readEvaluation(
    source,
    text,
    { spec: { vocabSize, maxPositions } },
    {
      ...options,
      metrics,
      whereUsable: true,
      shots,
      maxNewTokens,
      encoding,
      reading: { ...defaultReading, mask, templateArgs },
    },
  );
  // Errors do not survive the way to the engine.
  const problems = data.problems.map(({ line, error }) => problemFrom(error, line, data.file));
  return { data: { ...data, options, problems: [] }, problems };
}

/** What a row asks, with the system message of the chat where it has none of its own. */
function withSystem(row: RowPrompt, system: string): RowPrompt {
  const { messages } = row.prompt;
  const hasOwn = messages.some(({ role }) => role === 'system' || role === 'developer');
  if (hasOwn || system.trim() === '') return row;
  return { ...row, prompt: { ...row.prompt, messages: [{ role: 'system', content: system }, ...messages] } };
}
