import type { PartKind } from './answerParts.ts';
import type { Chat } from '../rows/conversation.ts';
import type { RowNotes } from '../checks/rowNotes.ts';

/**
 * Which tokens are trained: the assistant's answers with their end tokens, every token, only the last answer, or as in
 * Qwen v1 ({@link labelChatml}).
 */
export type LabelMask = 'assistant' | 'all' | 'last' | 'chatml';

/** Options that determine how rows become labeled tokens. */
export interface LabelOptions {
  mask: LabelMask;
  /** The date that templates see; default today. */
  now?: Date;
  /** Train the thoughts and tool calls of answers that the mask trains; default true. */
  trainThoughts?: boolean;
  trainToolCalls?: boolean;
  /** How to encode special tokens spelled out in messages: as special tokens (default), or as plain text. */
  literalTokens?: 'special' | 'text';
  /** Also mark which tokens are thoughts, tool calls, tool results and tool descriptions; default false. */
  withParts?: boolean;
  /** Further template variables, for every row. */
  templateArgs?: Readonly<Record<string, unknown>>;
}

/** Token ids of a row and their labels: `labels[i]` is `ids[i]` or −100, as in transformers (the shift comes later). */
export interface LabeledTokens {
  ids: number[];
  labels: number[];
  /** The weight of each token; absent if all are 1. */
  weights?: number[];
  /** Number of answers left untrained because the template rewrites them (see {@link findAnswers}). */
  skippedTurns: number;
  /** The part kind of each token, if requested. */
  parts?: (PartKind | null)[];
  /** Notes to report about the row. */
  notes?: RowNotes;
}

/** Indices of the answers that the mask trains; those with weight 0 are context. */
export function wantedAnswers({ messages, firstTrained = 0 }: Chat, mask: LabelMask): number[] {
  const answers = messages.flatMap(({ role }, i) => (role === 'assistant' && i >= firstTrained ? [i] : []));
  const last = messages.findLastIndex(({ role }) => role === 'assistant');
  return answers.filter((i) => messages[i]!.weight !== 0 && (mask !== 'last' || i === last));
}

/** The weights, unless all are 1. */
export function someWeights(weights: number[]): { weights?: number[] } {
  return weights.some((weight) => weight !== 1) ? { weights } : {};
}
