/** What a step of GRPO reports of its sampled completions, as TRL logs it. */
export interface CompletionNumbers {
  /** Mean over completions, and its deviation among them; null where no reward has an opinion. */
  reward: number | null;
  rewardStd: number | null;
  /** The mean of each reward, by its name. */
  rewards: Record<string, number | null>;
  /** Mean over tokens of how far the model is from the one without adapter (k3, by ratio); null without beta. */
  kl: number | null;
  /** Mean tokens of a completion, and the share that was cut at the longest. */
  length: number;
  cut: number;
  /** Share of tokens whose probability ratio is beyond the clip range, so that they push no further. */
  clipRatio: number;
  /** Share of groups whose completions all have the same reward, and teach nothing. */
  withoutSpread: number;
}
