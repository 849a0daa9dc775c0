import { expose } from '../../base/threads/errorTransfer.ts';
import type { WorkerLike } from '../../base/threads/workerClient.ts';
import { scoreAnswer, type AnswerMetric, type MetricOptions } from '../metrics/metrics.ts';
import { scoreText, type KnownOfRow, type RewardedText, type TextReward } from './scoreText.ts';

/** A text to be rewarded, and what is known of its row. */
export interface ScoredText extends RewardedText {
  row: KnownOfRow;
}

/** A reward of a recipe, with what it is called. */
export interface NamedReward {
  name: string;
  definition: TextReward;
}

/** Scores by regular expressions, which may not end: the API of a worker that can be ended. It survives structured cloning. */
export interface ScoringApi {
  /** [texts][rewards] as `scoreText` says. */
  rewards(rewards: readonly NamedReward[], texts: readonly ScoredText[]): Promise<(number | null)[][]>;
  /** [answers][metrics] as `scoreAnswer` says. */
  answers(
    metrics: readonly AnswerMetric[],
    options: MetricOptions,
    answers: readonly { answer: string; expected: string }[],
  ): Promise<number[][]>;
}

/** Sent beside comlink's messages before an expression is tried on a text, and after the last. */
export interface ScoringBeat {
  scoring: {
    /** The reward or metric; null where none is tried. */
    name: string | null;
  };
}

/** The worker's service. @param post sends a beat */
export function createScoringService(post: (beat: ScoringBeat) => void): ScoringApi {
  const beat = (name: string | null) => post({ scoring: { name } });
  const each = <T, R>(texts: readonly T[], score: (text: T) => R[]): R[][] => {
    try {
      return texts.map(score);
    } finally {
      beat(null);
    }
  };
  return {
    rewards: async (rewards, texts) =>
      each(texts, ({ row, ...text }) =>
        rewards.map(({ name, definition }) => {
          beat(name);
          return scoreText(definition, text, row);
        }),
      ),
    answers: async (metrics, options, answers) =>
      each(answers, ({ answer, expected }) =>
        metrics.map((name) => {
          beat(name);
          return scoreAnswer(name, answer, expected, options);
        }),
      ),
  };
}

/** The service in the caller's thread, for hosts that cannot start another: nothing ends an expression there. */
export function scoringInThread(): WorkerLike {
  const { port1, port2 } = new MessageChannel();
  expose<ScoringApi>(
    createScoringService((beat) => port2.postMessage(beat)),
    port2,
  );
  port1.start();
  const terminate = () => {
    port1.close();
    port2.close();
  };
  return Object.assign(port1 as unknown as WorkerLike, { terminate });
}
