import { GraftError } from '../../../base/lib/errors.ts';
import { partsAround, partsOfAnswer, type Part } from './answerParts.ts';
import { labelChatml } from './chatmlMask.ts';
import { someWeights, wantedAnswers, type LabeledTokens, type LabelOptions } from './labels.ts';
import { switchedOff } from './labelSpans.ts';
import type { Chat, Conversation, Message } from '../rows/conversation.ts';
import { encodeWithLabels, type LabeledSpan } from './labelSpans.ts';
import { literalRanges, literalsIn } from './literalTokens.ts';
import { plainPieces, startIds } from '../template/plainTemplate.ts';
import { renderConversation, type RenderedChat } from '../template/renderedChat.ts';
import { labelPrompt, labelText } from './rawText.ts';
import { contentSpan, findAnswers, type Span } from './spans.ts';
import { encodesPieces } from '../template/template.ts';
import { notesOnChat } from '../checks/chatNotes.ts';
import { IGNORED } from './tokenizedRow.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

export type { LabeledTokens, LabelMask, LabelOptions } from './labels.ts';

/**
 * Encodes a conversation with labels. A prompt with a completion is a conversation of one turn; a text is trained
 * whole, with BOS and EOS. Every trained answer ends with an end token: EOS is added if the template writes none.
 * Throws `data.template_*`, `data.no_place`, `data.no_template`, `data.answer_not_found`, `data.thought_dropped`,
 * `data.weight_not_found`, `data.literal_not_found`, and for the mask `chatml` also `data.no_chatml`,
 * `data.not_chatml`.
 */
export function labelTokens(
  tokenizer: Tokenizer,
  conversation: Exclude<Conversation, { inputIds: number[] }>,
  options: LabelOptions,
): LabeledTokens {
  if ('text' in conversation) return labelText(tokenizer, conversation);
  if ('messages' in conversation) return labelChat(tokenizer, conversation, options);
  return (
    labelPrompt(tokenizer, conversation, options) ?? labelChat(tokenizer, turnsOf(conversation), options)
  );
}

/** A prompt with its completion as a conversation of one turn. */
export function turnsOf({
  prompt,
  completion,
  weight,
}: {
  prompt: string;
  completion: string;
  weight?: number;
}): Chat {
  const answer: Message = {
    role: 'assistant',
    content: completion,
    ...(weight !== undefined && { weight }),
  };
  return { messages: prompt === '' ? [answer] : [{ role: 'user', content: prompt }, answer] };
}

function labelChat(tokenizer: Tokenizer, chat: Chat, options: LabelOptions): LabeledTokens {
  const { templateArgs, now = new Date() } = options;
  const rendered = renderConversation(tokenizer, chat, { now, ...(templateArgs && { templateArgs }) });
  const notes = notesOnChat(rendered, options.literalTokens);
  const labeled =
    options.mask === 'chatml' || encodesPieces(tokenizer)
      ? labelChatml(rendered, options)
      : tokenizer.chatTemplate === null
        ? labelPlain(tokenizer, chat, options)
        : labelRendered(rendered, options);
  return notes ? { ...labeled, notes } : labeled;
}

/** Without a template, pieces are encoded separately, so the labels follow from the pieces. */
function labelPlain(tokenizer: Tokenizer, chat: Chat, { mask, literalTokens }: LabelOptions): LabeledTokens {
  const { messages } = chat;
  const wanted = wantedAnswers(chat, mask);
  const ids = startIds(tokenizer);
  const labels = ids.map((id) => (mask === 'all' ? id : IGNORED));
  const weights: number[] = ids.map(() => 1);
  for (const { text, answer } of plainPieces(messages)) {
    const plain = literalTokens === 'text' ? literalsIn(tokenizer, text) : [];
    const piece = tokenizer.encode(text, { addSpecialTokens: false, ...(plain.length > 0 && { plain }) });
    if (answer !== null) piece.push(...tokenizer.eosIds.slice(0, 1));
    const weight = answer === null ? 1 : (messages[answer]!.weight ?? 1);
    const isTrained = answer !== null ? wanted.includes(answer) : false;
    for (const id of piece) {
      ids.push(id);
      labels.push((mask === 'all' && weight > 0) || isTrained ? id : IGNORED);
      weights.push(weight > 0 ? weight : 1);
    }
  }
  return { ids, labels, ...someWeights(weights), skippedTurns: 0 };
}

/** With the model's template, finds spans of characters and then of tokens. */
function labelRendered(rendered: RenderedChat, options: LabelOptions): LabeledTokens {
  const { tokenizer, chat, text } = rendered;
  const plain = options.literalTokens === 'text' ? literalRanges(rendered) : [];
  const parts = options.withParts ? allParts(rendered) : null;
  const encode = (spans: readonly LabeledSpan[]) =>
    encodeWithLabels(tokenizer, text, spans, { plain, parts });
  if (options.mask === 'all') {
    const whole: LabeledSpan = { start: 0, end: text.length, weight: 1, ends: 'text' };
    return { ...encode([whole, ...reweighted(rendered, options)]), skippedTurns: 0 };
  }
  const { spans, skipped } = findAnswers(rendered, wantedAnswers(chat, options.mask));
  const trained = [...spans].flatMap(([i, span]): LabeledSpan[] => [
    { ...span, weight: chat.messages[i]!.weight ?? 1, ends: 'turn' },
    ...switchedOff(rendered, i, span, options),
  ]);
  const others = chat.messages.flatMap((message, i): LabeledSpan[] =>
    message.role !== 'assistant' && (message.weight ?? 0) > 0 ? [weightedContent(rendered, i)] : [],
  );
  return { ...encode([...trained, ...others]), skippedTurns: skipped };
}

/** All thoughts, tool calls, tool results and tool descriptions of the conversation. */
function allParts(rendered: RenderedChat): Part[] {
  const answers = rendered.messages.flatMap(({ role }, i) => (role === 'assistant' ? [i] : []));
  const spans = answersOrNone(rendered, answers);
  return [...partsAround(rendered), ...spans.flatMap(([i, span]) => partsOfAnswer(rendered, i, span))];
}

/** The answers that can be located: with the mask "all" a row may be trained even if none can. */
function answersOrNone(rendered: RenderedChat, answers: readonly number[]): [number, Span][] {
  try {
    return [...findAnswers(rendered, answers).spans];
  } catch (error) {
    if (error instanceof GraftError) return [];
    throw error;
  }
}

/** For the mask "all": the parts whose weight is not 1. */
function reweighted(rendered: RenderedChat, options: LabelOptions): LabeledSpan[] {
  const { messages } = rendered.chat;
  const hasSwitch = options.trainThoughts === false || options.trainToolCalls === false;
  const needed = messages.flatMap(({ role, weight = 1 }, i) =>
    role === 'assistant' && (weight !== 1 || hasSwitch) ? [i] : [],
  );
  const { spans } = findAnswers(rendered, needed);
  return messages.flatMap((message, i): LabeledSpan[] => {
    const weight = message.weight ?? 1;
    if (message.role !== 'assistant') return weight === 1 ? [] : [weightedContent(rendered, i)];
    const span = spans.get(i);
    if (!span) {
      if (weight !== 1) throw new GraftError('data.weight_not_found', { message: i + 1 });
      return [];
    }
    const own: LabeledSpan[] = weight === 1 ? [] : [{ ...span, weight, ends: 'turn' }];
    return [...own, ...switchedOff(rendered, i, span, options)];
  });
}

/** The content of a message of another role than the assistant, with its weight. */
function weightedContent(rendered: RenderedChat, i: number): LabeledSpan {
  const span = contentSpan(rendered, i);
  if (!span) throw new GraftError('data.weight_not_found', { message: i + 1 });
  return { ...span, weight: rendered.chat.messages[i]!.weight!, ends: 'nothing' };
}
