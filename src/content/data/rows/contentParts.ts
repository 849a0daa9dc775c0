import { GraftError } from '../../../base/lib/errors.ts';
import { isEmpty, isObject, ownField, textOf } from './conversation.ts';
import { kindName } from '../files/row.ts';
import { messageFieldsWith } from './rowFields.ts';
import { callsOfText } from './toolData.ts';

/** The content of a message: its text, and parts of other types. */
export interface Content {
  text: string;
  thought?: string;
  calls?: object[];
}

/** Types of parts that are text, and the keys that may hold it. */
const TEXT_PARTS = ['text', 'input_text', 'output_text', 'refusal'];
const THOUGHT_PARTS = ['thinking', 'reasoning', 'thought', 'reasoning_text'];
const CALL_PARTS = ['tool_call', 'function_call'];

/**
 * Media placeholders: LLaVA's and LLaMA-Factory's at either end of a message (in the middle they may be HTML), tokens
 * of vision models, and Qwen-VL's paths.
 */
const PLACEHOLDER =
  /^\s*<(image|video|audio)>(?![\s\S]*<\/\1>)|<(?:image|video|audio)>\s*$|<\|(?:image|video|audio|vision)\w*\|>|<img>[^<]+<\/img>/;

/**
 * The content of a message: a text, or a list of parts as OpenAI, Anthropic, Mistral and LLaMA-Factory write them.
 * Throws `data.missing_field`, `data.bad_field`, `data.unsupported_field`, `data.media`, `data.lone_surrogate`.
 */
export function contentOf(value: unknown, field: string): Content {
  if (!Array.isArray(value) || value.length === 0) return { text: textOf(value, field) };
  const texts: string[] = [];
  const thoughts: string[] = [];
  const calls: object[] = [];
  value.forEach((part: unknown, i) => {
    const path = `${field}[${i}]`;
    if (!isObject(part)) {
      throw new GraftError('data.bad_field', { field: path, found: kindName(part), expected: 'a text part' });
    }
    for (const meaning of ['weight', 'ignored', 'mask'] as const) {
      const [name] = messageFieldsWith(part, meaning);
      if (name === undefined) continue;
      const detail = 'parts of a message cannot have weights';
      throw new GraftError('data.unsupported_field', { field: `${path}.${name}`, detail });
    }
    const type = ownField(part, 'type') ?? 'text';
    if (typeof type === 'string' && TEXT_PARTS.includes(type)) texts.push(partText(part, type, path));
    else if (typeof type === 'string' && THOUGHT_PARTS.includes(type))
      thoughts.push(partText(part, type, path));
    else if (typeof type === 'string' && CALL_PARTS.includes(type)) {
      calls.push(...callsOfText(ownField(part, 'value') ?? ownField(part, type) ?? part, path));
    } else throw unknownPart(String(type), path);
  });
  return {
    text: texts.join(''),
    ...(thoughts.length > 0 && { thought: thoughts.join('\n') }),
    ...(calls.length > 0 && { calls }),
  };
}

/** Types of media parts contain `image`, `audio` or `video`: image_url, input_audio, … */
function unknownPart(type: string, field: string): GraftError {
  return /image|audio|video/i.test(type)
    ? new GraftError('data.media', { field, found: type })
    : new GraftError('data.unsupported_field', { field, detail: `content of type ${type}` });
}

/** Throws `data.media` for a text that is a placeholder for an image, audio or video. */
export function refusePlaceholder(text: string, field: string): void {
  const found = PLACEHOLDER.exec(text);
  if (found) throw new GraftError('data.media', { field, found: found[0].trim() });
}

function partText(part: Record<string, unknown>, type: string, path: string): string {
  for (const key of ['text', type, 'value', 'content', 'summary']) {
    const value = ownField(part, key);
    if (isEmpty(value) && value !== '') continue;
    // Mistral's thinking parts hold a list of text parts.
    return Array.isArray(value) ? contentOf(value, `${path}.${key}`).text : textOf(value, `${path}.${key}`);
  }
  return textOf(ownField(part, 'text'), `${path}.text`);
}
