import { GraftError, messageOf } from '../../base/lib/errors.ts';
import type { EvaluationData } from './evaluationData.ts';
import type { NamedResult } from './report.ts';

/** A model behind an OpenAI-compatible endpoint that grades answers. Questions and answers are sent to it. */
export interface Judge {
  /** Such as https://host/v1, without /chat/completions. */
  url: string;
  model: string;
  /** Sent to this endpoint only, and written nowhere; null for none. */
  key: string | null;
}

/** Questions that are asked at the same time. */
const AT_ONCE = 4;
const PATIENCE_MS = 120_000;
/** The largest response that is read, in bytes. */
const MAX_RESPONSE = 1 << 20;
/** The best grade; scores are grades as parts of it. */
const BEST = 10;

const SYSTEM =
  `You grade answers. Reply with one whole number from 0 (wrong or useless) to ${BEST} (right, complete and as well put as ` +
  'the expected answer), and nothing else.';

/**
 * Adds the score `judge`, 0 to 1, to all answers of all systems. The judge sees one answer at a time, and not whose it is; the same
 * answer to the same row is graded once. Throws `infer.judge_failed`, `infer.judge_unreadable`.
 */
export async function judgeAnswers(
  { answers }: Pick<EvaluationData, 'answers'>,
  systems: readonly NamedResult[],
  judge: Judge,
  onGrade: (done: number, total: number) => void = () => undefined,
): Promise<void> {
  const jobs = new Map<string, { prompt: string; graded: Record<string, number>[] }>();
  for (const { result } of systems) {
    result.answers.forEach(({ text, scores }, i) => {
      const { line, text: asked, expected } = answers[i]!;
      const key = JSON.stringify([line, text]);
      const job = jobs.get(key) ?? { prompt: promptOf(asked, expected, text), graded: [] };
      job.graded.push(scores);
      jobs.set(key, job);
    });
  }
  const waiting = [...jobs.values()];
  const total = waiting.length;
  let done = 0;
  const work = async () => {
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      const score = (await grade(judge, job.prompt)) / BEST;
      for (const scores of job.graded) scores.judge = score;
      onGrade(++done, total);
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } finally {
    // Where one fails, the others ask no more.
    waiting.length = 0;
  }
}

function promptOf(asked: string, expected: string | null, answer: string): string {
  const wanted = expected === null ? [] : [`Expected answer:\n${expected}`];
  return [`Question:\n${asked}`, ...wanted, `Answer to grade:\n${answer}`].join('\n\n');
}

async function grade({ url, model, key }: Judge, prompt: string): Promise<number> {
  const messages = [
    { role: 'system', content: SYSTEM },
    { role: 'user', content: prompt },
  ];
  // Errors of requests quote headers, and an endpoint may send back what it was sent.
  const hidden = (said: string): string => (key ? said.replaceAll(key, '…') : said);
  const failed = (detail: string) => new GraftError('infer.judge_failed', { url, detail: hidden(detail) });
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${url.replace(/\/+$/, '')}/chat/completions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key !== null && { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify({ model, messages, temperature: 0 }),
      // The key is for this endpoint, not for where it may send to.
      redirect: 'error',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    text = await boundedText(response);
  } catch (error) {
    // Not as its cause, which has the key where the message has it.
    throw failed(messageOf(error));
  }
  if (!response.ok) throw failed(`HTTP ${response.status}`);
  const found = gradeIn(text);
  if (found === null)
    throw new GraftError('infer.judge_unreadable', { url, best: BEST, found: hidden(text).slice(0, 200) });
  return found;
}

/** The text of a response, which may be of any length. */
async function boundedText({ body }: Response): Promise<string> {
  const reader = body?.getReader();
  const decoder = new TextDecoder();
  let [text, bytes] = ['', 0];
  for (;;) {
    const piece = await reader?.read();
    if (!piece || piece.done) return text + decoder.decode();
    bytes += piece.value.byteLength;
    if (bytes > MAX_RESPONSE) {
      await reader?.cancel();
      throw new Error(`its response has more than ${MAX_RESPONSE} bytes`);
    }
    text += decoder.decode(piece.value, { stream: true });
  }
}

/** The grade in a response; null where there is none from 0 to the best. */
function gradeIn(text: string): number | null {
  let content: unknown;
  try {
    const { choices } = JSON.parse(text) as { choices?: { message?: { content?: unknown } }[] };
    content = choices?.[0]?.message?.content;
  } catch {
    return null;
  }
  const number = typeof content === 'string' ? /^\D*(\d+(?:\.\d+)?)\D*$/s.exec(content)?.[1] : undefined;
  const value = Number(number ?? Number.NaN);
  return value >= 0 && value <= BEST ? value : null;
}
