import { PROBE } from './probe.ts';
import { GraftError } from '../lib/errors.ts';
import { encodeWithLabels, type LabeledSpan } from './labelSpans.ts';
import type { LabeledTokens, LabelOptions } from './labels.ts';
import { startIds } from './plainTemplate.ts';
import { messagesAsGiven } from './renderedChat.ts';
import { renderChat } from './template.ts';
import { IGNORED } from './tokenizedRow.ts';
import type { Tokenizer } from './tokenizer.ts';

/** A text that is trained whole, between BOS and EOS; those that it begins and ends with itself are not doubled. */
export function labelText(
  tokenizer: Tokenizer,
  { text, weight = 1 }: { text: string; weight?: number },
): LabeledTokens {
  if (text === '') return { ids: startIds(tokenizer), labels: startIds(tokenizer), skippedTurns: 0 };
  const whole: LabeledSpan = { start: 0, end: text.length, weight, ends: 'text' };
  return { ...withStart(tokenizer, encodeWithLabels(tokenizer, text, [whole]), weight > 0), skippedTurns: 0 };
}

/**
 * A prompt that is a rendered conversation already, up to where the model is to answer: it goes to the model as it is,
 * and not through the template once more. Null for other prompts.
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
    ...{ start: isAll ? 0 : prompt.length + header.length, end: text.length, weight },
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

/** What a completion begins with of the template's generation prompt, where prompt and completion share it; else null. */
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

/** Whether a prompt ends as the template ends one, where it marks that with something no question ends with. */
function isRendered(tokenizer: Tokenizer, prompt: string): boolean {
  const said = prompt.trimEnd();
  return endingsOf(tokenizer).some((ending) => /[<[|]/.test(ending) && said.endsWith(ending));
}

/** What the template writes behind a question, up to where the model is to answer: with thinking, and without. */
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
