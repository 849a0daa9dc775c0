import { GraftError } from '../../base/lib/errors.ts';
import { connectWorker, type WorkerLike } from '../../base/threads/workerClient.ts';
import { threadLimits } from '../data/programLimits.ts';
import type { JsonSchema } from '../metrics/jsonSchema.ts';
import { scoreAnswer, type AnswerMetric, type MetricOptions } from '../metrics/metrics.ts';
import { scoreText, type TextReward } from './scoreText.ts';
import type { NamedReward, ScoredText, ScoringApi, ScoringBeat } from './scoringService.ts';

/** How often the worker's silence is checked, in ms. Checks are counted, not time: a laptop may have slept. */
const TICK_MS = 100;

/**
 * Rewards and metrics of texts. Regular expressions run in a worker that is ended where one makes no progress on a text; all
 * else is computed here. Calls come one after the other. All throw `data.expression_hangs`.
 */
export class ScoringGuard {
  readonly #worker;
  readonly #silenceMs: number;
  #running: string | null = null;
  #silentTicks = 0;

  /**
   * @param start makes the worker; it runs `createScoringService` and is started where there is an expression to be tried
   * @param silenceMs how long one may take on one text
   */
  constructor(start: () => WorkerLike, silenceMs: number = threadLimits.silenceMs) {
    this.#silenceMs = silenceMs;
    this.#worker = connectWorker<ScoringApi>('scoring', () => {
      const worker = start();
      worker.addEventListener('message', (event) => this.#onMessage((event as MessageEvent).data));
      return worker;
    });
  }

  /** [texts][rewards] The rewards of texts; null where a reward has nothing to compare with. */
  async rewards(rewards: readonly NamedReward[], texts: readonly ScoredText[]): Promise<(number | null)[][]> {
    const tried = rewards.filter(({ definition }) => hasExpression(definition));
    const found = tried.length === 0 ? [] : await this.#watched((call) => call.rewards(tried, texts));
    return texts.map(({ row, ...text }, i) =>
      rewards.map((reward) => {
        const at = tried.indexOf(reward);
        return at < 0 ? scoreText(reward.definition, text, row) : found[i]![at]!;
      }),
    );
  }

  /** [answers][metrics] The scores of answers. */
  async answers(
    metrics: readonly AnswerMetric[],
    options: MetricOptions,
    answers: readonly { answer: string; expected: string }[],
  ): Promise<number[][]> {
    const tried = metrics.filter(
      (name) => name === 'regex' || (name === 'schema' && hasPattern(options.schema)),
    );
    const found =
      tried.length === 0 ? [] : await this.#watched((call) => call.answers(tried, options, answers));
    return answers.map(({ answer, expected }, i) =>
      metrics.map((name) => {
        const at = tried.indexOf(name);
        return at < 0 ? scoreAnswer(name, answer, expected, options) : found[i]![at]!;
      }),
    );
  }

  /** Ends the worker. */
  end(): void {
    this.#worker.restart(new GraftError('workers.crashed', { worker: 'scoring', reason: 'it was closed' }));
  }

  async #watched<T>(work: (call: ScoringApi) => Promise<T>): Promise<T> {
    this.#onMessage({ scoring: { name: null } } satisfies ScoringBeat);
    const timer = setInterval(() => this.#tick(), TICK_MS);
    try {
      return await work(this.#worker.call);
    } finally {
      clearInterval(timer);
    }
  }

  #onMessage(message: unknown): void {
    if (typeof message !== 'object' || message === null || !('scoring' in message)) return;
    this.#running = (message as ScoringBeat).scoring.name;
    this.#silentTicks = 0;
  }

  #tick(): void {
    const silence = ++this.#silentTicks * TICK_MS;
    // Between expressions it is our own code that runs, or the worker that starts.
    if (silence < (this.#running === null ? threadLimits.ownSilenceMs : this.#silenceMs)) return;
    const name = this.#running ?? '';
    const seconds = Math.round(silence / 1000);
    this.#worker.restart(new GraftError('data.expression_hangs', { name, seconds }));
  }
}

/** Whether a reward tries a regular expression. */
function hasExpression(definition: TextReward): boolean {
  switch (definition.kind) {
    case 'regex':
    case 'format':
      return true;
    case 'json':
      return hasPattern(definition.schema);
    default:
      return 'extract' in definition && definition.extract !== undefined;
  }
}

/** Whether a schema may have a pattern: it has the word. */
function hasPattern(schema: JsonSchema | null | undefined): boolean {
  return JSON.stringify(schema ?? true).includes('"pattern"');
}
