import { GraftError } from '../../../base/lib/errors.ts';
import { isEmpty, isObject, jsonOf, ownField, textOf, type Chat, type Message } from './conversation.ts';
import { toJsonText } from '../files/exactJson.ts';
import { weightOf } from './lossWeight.ts';
import { kindName } from '../files/row.ts';
import { fieldsWith, type DataFormat } from './rowFields.ts';
import { partsOfCall, toolsOf } from './toolData.ts';

type Fields = Record<string, unknown>;

/**
 * The conversation of a row: its messages, with the row's other fields applied to them. Throws `data.two_systems`,
 * `data.media`, `data.bad_field`, `data.field_not_json`, `data.unsupported_field`.
 */
export function chatOf(
  row: Fields,
  format: DataFormat,
  messages: readonly Message[],
  firstTrained?: number,
): Chat {
  refuseMedia(row, format);
  refuseMask(row, format);
  const weighted = withRowWeight(row, format, withRowThought(row, format, messages));
  const all = withSystem(row, format, weighted);
  const moved = all.length - messages.length;
  const { turns, tools } = takeTools(row, format, all);
  const documents = documentsOf(row, format);
  const variables = variablesOf(row, format);
  return {
    messages: turns,
    ...(firstTrained !== undefined && { firstTrained: firstTrained + moved }),
    ...(tools && { tools }),
    ...(documents && { documents }),
    ...(variables && { variables }),
  };
}

/** Whether a row has fields that only a chat template can use. */
export function needsTemplate(row: Fields, format: DataFormat): boolean {
  const meanings = ['system', 'tools', 'documents', 'variables', 'variable', 'thought'] as const;
  return meanings.some((meaning) => fieldsWith(row, format, meaning).length > 0);
}

/** Throws `data.media` for images, audio and video. */
export function refuseMedia(row: Fields, format: DataFormat): void {
  const field = fieldsWith(row, format, 'media')[0];
  if (field !== undefined) throw new GraftError('data.media', { field, found: field });
}

/** Throws `data.unsupported_field` for a mask whose meaning of 1 is ambiguous. */
export function refuseMask(row: Fields, format: DataFormat): void {
  const [field] = fieldsWith(row, format, 'mask');
  if (field === undefined) return;
  const detail = 'it is not clear whether 1 means trained or masked; use "weight"';
  throw new GraftError('data.unsupported_field', { field, detail });
}

/** The row's own weight; undefined if it has none. Throws `data.bad_field`. */
export function rowWeight(row: Fields, format: DataFormat): number | undefined {
  let weight: number | undefined;
  for (const field of fieldsWith(row, format, 'weight')) {
    weight = (weight ?? 1) * weightOf(ownField(row, field), field);
  }
  return weight;
}

/** Prepends the row's system message. One in the turns must be the same. */
function withSystem(row: Fields, format: DataFormat, messages: readonly Message[]): readonly Message[] {
  let system = '';
  for (const field of fieldsWith(row, format, 'system')) {
    const text = textOf(ownField(row, field), field);
    if (system !== '' && text !== system) throw new GraftError('data.two_systems', { field });
    system = text;
  }
  if (system === '') return messages;
  const first = messages[0];
  if (first?.role !== 'system') return [{ role: 'system', content: system }, ...messages];
  if (first.content.trim() !== '' && first.content.trim() !== system.trim()) {
    throw new GraftError('data.two_systems', { field: fieldsWith(row, format, 'system')[0]! });
  }
  return [{ ...first, content: system }, ...messages.slice(1)];
}

/** A thought beside the conversation belongs to its only answer. */
function withRowThought(row: Fields, format: DataFormat, messages: readonly Message[]): readonly Message[] {
  const answers = messages.filter(({ role }) => role === 'assistant');
  let thought = answers[0]?.thought;
  for (const field of fieldsWith(row, format, 'thought')) {
    const text = textOf(ownField(row, field), field);
    const isClear = answers.length === 1 && (thought ?? text) === text;
    if (!isClear) {
      const detail =
        answers.length === 1
          ? 'the answer also has other reasoning'
          : 'it is not clear which answer it belongs to';
      throw new GraftError('data.unsupported_field', { field, detail });
    }
    thought = text;
  }
  if (thought === undefined || answers[0]!.thought === thought) return messages;
  return messages.map((message) => (message === answers[0] ? { ...message, thought } : message));
}

/** The row's weight scales those of its answers; a list has one weight per message. */
function withRowWeight(row: Fields, format: DataFormat, messages: readonly Message[]): readonly Message[] {
  let weighted = messages;
  for (const field of fieldsWith(row, format, 'weight')) {
    const value = ownField(row, field);
    if (Array.isArray(value) && value.length !== messages.length) {
      throw new GraftError('data.bad_field', {
        field,
        found: `a list of ${value.length}`,
        expected: `a list of ${messages.length}, one for each message`,
      });
    }
    weighted = weighted.map((message, i) => {
      const isList = Array.isArray(value);
      if (!isList && message.role !== 'assistant') return message;
      const weight = weightOf(isList ? value[i] : value, isList ? `${field}[${i}]` : field);
      return { ...message, weight: (message.weight ?? 1) * weight };
    });
  }
  return weighted;
}

/** The tools of the row, or of its system message, from which they are then removed. */
function takeTools(
  row: Fields,
  format: DataFormat,
  messages: readonly Message[],
): { turns: readonly Message[]; tools?: unknown[] } {
  const found: { tools: unknown[]; field: string }[] = [];
  for (const field of fieldsWith(row, format, 'tools')) {
    const tools = toolsOf(ownField(row, field), field);
    if (tools) found.push({ tools, field });
  }
  const turns = messages.map((message, i) => {
    const given = ['tools', 'functions'].find((name) => !isEmpty(message.fields?.[name]));
    if (message.role !== 'system' || !message.fields || given === undefined) return message;
    const { [given]: value, ...fields } = message.fields;
    const tools = toolsOf(value, given);
    if (tools) found.push({ tools, field: `messages[${i}].${given}` });
    return { ...message, fields };
  });
  const [first, second] = found;
  if (second && toJsonText(first!.tools) !== toJsonText(second.tools)) {
    const detail = `the row also has other tools in "${first!.field}"`;
    throw new GraftError('data.unsupported_field', { field: second.field, detail });
  }
  // Hermes' rows repeat their column of tools in the system message.
  const inText = turns.some(
    ({ role, content }) => role === 'system' && describes(content, first?.tools ?? []),
  );
  return first && !inText ? { turns, tools: first.tools } : { turns };
}

/** Whether a system message already describes all of the tools between <tools> tags. */
function describes(content: string, tools: readonly unknown[]): boolean {
  const text = /<tools>([\s\S]*)<\/tools>/.exec(content)?.[1];
  return text !== undefined && tools.every((tool) => isObject(tool) && text.includes(partsOfCall(tool).name));
}

function documentsOf(row: Fields, format: DataFormat): unknown[] | undefined {
  const [field] = fieldsWith(row, format, 'documents');
  if (field === undefined) return undefined;
  const documents = jsonOf(ownField(row, field), field);
  if (Array.isArray(documents)) return documents;
  throw new GraftError('data.bad_field', {
    field,
    found: kindName(documents),
    expected: 'a list of documents',
  });
}

/** Template variables from the fields of a row. */
const RESERVED = ['messages', 'add_generation_prompt', 'continue_final_message', 'tools', 'documents'];

function variablesOf(row: Fields, format: DataFormat): Fields | undefined {
  const variables: Fields = {};
  for (const field of fieldsWith(row, format, 'variables')) {
    const given = jsonOf(ownField(row, field), field);
    if (!isObject(given)) {
      throw new GraftError('data.bad_field', { field, found: kindName(given), expected: 'an object' });
    }
    const own = Object.keys(given).find((name) => RESERVED.includes(name));
    if (own !== undefined) {
      const detail = 'it is not a template variable for training';
      throw new GraftError('data.unsupported_field', { field: `${field}.${own}`, detail });
    }
    Object.assign(variables, given);
  }
  for (const field of fieldsWith(row, format, 'variable')) variables[field] = ownField(row, field);
  return Object.keys(variables).length === 0 ? undefined : variables;
}
