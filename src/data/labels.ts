import { partsOfAnswer, type PartKind } from './answerParts.ts';
import type { Chat } from './conversation.ts';
import type { LabeledSpan } from './labelSpans.ts';
import type { RenderedChat } from './renderedChat.ts';
import type { RowNotes } from './rowNotes.ts';
import type { Span } from './spans.ts';

/**
 * Which tokens are trained: the assistant's answers with their end tokens, every token, the last answer only, or as
 * Qwen v1 does ({@link labelChatml}).
 */
export type LabelMask = 'assistant' | 'all' | 'last' | 'chatml';

/** How rows become labeled tokens. */
export interface LabelOptions {
  mask: LabelMask;
  /** The date templates see; default today. */
  now?: Date;
  /** Train thoughts and tool calls of answers, as long as the mask trains the answer; default true. */
  trainThoughts?: boolean;
  trainToolCalls?: boolean;
  /** Special tokens written out in messages: as such (default), or as plain text. */
  literalTokens?: 'special' | 'text';
  /** Also say which tokens are thoughts, tool calls, tool results and tool descriptions; default false. */
  withParts?: boolean;
  /** Further template variables, for every row. */
  templateArgs?: Readonly<Record<string, unknown>>;
}

/** Token ids of a row and their labels: `labels[i]` is `ids[i]` or −100, as in transformers (the shift comes later). */
export interface LabeledTokens {
  ids: number[];
  labels: number[];
  /** How much each token counts; absent where all count 1. */
  weights?: number[];
  /** Answers left untrained because the template rewrites them (see {@link findAnswers}). */
  skippedTurns: number;
  /** What each token is part of, where it was asked for. */
  parts?: (PartKind | null)[];
  /** What is to be reported of the row. */
  notes?: RowNotes;
}

/** The answers that the mask trains, by index; those that weigh nothing are context. */
export function wantedAnswers({ messages, firstTrained = 0 }: Chat, mask: LabelMask): number[] {
  const answers = messages.flatMap(({ role }, i) => (role === 'assistant' && i >= firstTrained ? [i] : []));
  const last = messages.findLastIndex(({ role }) => role === 'assistant');
  return answers.filter((i) => messages[i]!.weight !== 0 && (mask !== 'last' || i === last));
}

/** The weights where some are not 1. */
export function someWeights(weights: number[]): { weights?: number[] } {
  return weights.some((weight) => weight !== 1) ? { weights } : {};
}

/** The parts of an answer that are not to be trained. */
export function switchedOff(
  rendered: RenderedChat,
  i: number,
  span: Span,
  { trainThoughts = true, trainToolCalls = true }: LabelOptions,
): LabeledSpan[] {
  if (trainThoughts && trainToolCalls) return [];
  return partsOfAnswer(rendered, i, span)
    .filter(({ kind }) => (kind === 'thought' && !trainThoughts) || (kind === 'call' && !trainToolCalls))
    .map(({ start, end }) => ({ start, end, weight: 0, ends: 'nothing' }));
}
