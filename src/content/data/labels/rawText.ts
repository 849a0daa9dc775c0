import { PROBE } from '../template/probe.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { encodeWithLabels, type LabeledSpan } from './labelSpans.ts';
import type { LabeledTokens, LabelOptions } from './labels.ts';
import { startIds } from '../template/plainTemplate.ts';
import { messagesAsGiven } from '../template/renderedChat.ts';
import { renderChat } from '../template/template.ts';
import { IGNORED } from './tokenizedRow.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/** Labels a text that is trained whole, between BOS and EOS, which are not doubled if the text has them. */
export function labelText(
  tokenizer: Tokenizer,
  { text, weight = 1 }: { text: string; weight?: number },
): LabeledTokens {
  if (text === '') return { ids: startIds(tokenizer), labels: startIds(tokenizer), skippedTurns: 0 };
  const whole: LabeledSpan = { start: 0, end: text.length, weight, ends: 'text' };
  return { ...withStart(tokenizer, encodeWithLabels(tokenizer, text, [whole]), weight > 0), skippedTurns: 0 };
}

/**
 * Labels a prompt that is an already rendered conversation, up to where the model is to answer: it is used as it is,
 * without applying the template again. Null for other prompts.
 */
export function labelPrompt(
  tokenizer: Tokenizer,
  { prompt, completion, weight = 1 }: { prompt: string; completion: string; weight?: number },
  { mask }: LabelOptions,
): LabeledTokens | null {
  const header = isRendered(tokenizer, prompt) ? '' : headerIn(tokenizer, prompt, completion);
  if (header === null) return null;
  const text = prompt + completion;
  const isAll = mask === 'all';
  const span: LabeledSpan = {
    start: isAll ? 0 : prompt.length + header.length,
    end: text.length,
    weight,
    ends: isAll ? 'text' : 'turn',
  };
  return {
    ...withStart(tokenizer, encodeWithLabels(tokenizer, text, [span]), isAll && weight > 0),
    skippedTurns: 0,
    notes: { codes: ['alreadyRendered'], droppedThoughtTokens: 0 },
  };
}

function withStart(
  tokenizer: Tokenizer,
  { ids, labels, weights }: Pick<LabeledTokens, 'ids' | 'labels' | 'weights'>,
  isTrained: boolean,
): Pick<LabeledTokens, 'ids' | 'labels' | 'weights'> {
  const start = startIds(tokenizer);
  if (start.length === 0 || ids[0] === start[0]) return { ids, labels, ...(weights && { weights }) };
  return {
    ids: [...start, ...ids],
    labels: [...start.map((id) => (isTrained ? id : IGNORED)), ...labels],
    ...(weights && { weights: [...start.map(() => weights[0] ?? 1), ...weights] }),
  };
}

const generationPrompts = new WeakMap<Tokenizer, readonly string[]>();

/**
 * The part of the template's generation prompt that the completion starts with, if prompt and completion share it;
 * otherwise null.
 */
function headerIn(tokenizer: Tokenizer, prompt: string, completion: string): string | null {
  const text = prompt + completion;
  for (const ending of endingsOf(tokenizer)) {
    const at = text.indexOf(ending, Math.max(0, prompt.trimEnd().length - ending.length));
    const end = at + ending.length;
    if (/[<[|]/.test(ending) && at >= 0 && at < prompt.length && end > prompt.length) {
      const blank = text.length - end - text.slice(end).trimStart().length;
      return text.slice(prompt.length, end + blank);
    }
  }
  return null;
}

/** Whether a prompt ends with the template's generation prompt, if no question could end the same way. */
function isRendered(tokenizer: Tokenizer, prompt: string): boolean {
  const said = prompt.trimEnd();
  return endingsOf(tokenizer).some((ending) => /[<[|]/.test(ending) && said.endsWith(ending));
}

/** The generation prompts that the template writes after a question, with thinking and without. */
function endingsOf(tokenizer: Tokenizer): readonly string[] {
  let endings = generationPrompts.get(tokenizer);
  if (!endings) {
    const variables = [{}, { enable_thinking: false }, { enable_thinking: true }];
    endings = tokenizer.chatTemplate === null ? [] : variables.map((given) => endingOf(tokenizer, given));
    generationPrompts.set(tokenizer, endings);
  }
  return endings;
}

function endingOf(tokenizer: Tokenizer, variables: Readonly<Record<string, unknown>>): string {
  const messages = messagesAsGiven(tokenizer, [{ role: 'user', content: PROBE }]);
  try {
    const text = renderChat(tokenizer, messages, { addGenerationPrompt: true, variables });
    return text.slice(text.lastIndexOf(PROBE) + PROBE.length).trim();
  } catch (error) {
    if (error instanceof GraftError) return '';
    throw error;
  }
}
