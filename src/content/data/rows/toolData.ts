import { GraftError } from '../../../base/lib/errors.ts';
import { hasField, isEmpty, isObject, jsonOf, ownField, tryJson } from './conversation.ts';
import { kindName } from '../files/row.ts';

/*
 * Tools and tool calls in the shapes that datasets use. They stay as in the row wherever chat templates can read them
 * (transformers passes them through unchanged); other shapes are converted to OpenAI's.
 */

/**
 * Tool descriptions: a list, or its JSON. `functions` (OpenAI's older name) holds bare functions, which are wrapped as
 * tools. Throws `data.bad_field`, `data.field_not_json`.
 */
export function toolsOf(value: unknown, field: string): unknown[] | undefined {
  if (isEmpty(value)) return undefined;
  const list = typeof value === 'string' ? jsonOrRefuse(value, field) : value;
  if (isEmpty(list)) return undefined;
  const tools = isObject(list) ? [list] : list;
  if (!Array.isArray(tools) || !tools.every((tool) => isObject(tool) || typeof tool === 'string')) {
    throw new GraftError('data.bad_field', { field, found: kindName(list), expected: 'a list of tools' });
  }
  const described = tools.map((tool, i) => describedTool(tool, `${field}[${i}]`));
  return field === 'functions' ? described.map(asFunctionTool) : described;
}

/** A tool as an object: some files store each one as JSON text. */
function describedTool(tool: unknown, field: string): Record<string, unknown> {
  const parsed = typeof tool === 'string' ? jsonOrRefuse(tool, field) : tool;
  if (isObject(parsed)) return parsed;
  throw new GraftError('data.bad_field', { field, found: kindName(parsed), expected: 'a tool description' });
}

/** Wraps a bare function in OpenAI's tool shape. */
export function asFunctionTool(tool: unknown): unknown {
  if (!isObject(tool) || isObject(tool.function)) return tool;
  return { type: 'function', function: tool };
}

/** The tool calls of a message: `tool_calls`, or OpenAI's older `function_call`. Throws `data.bad_field`. */
export function callsOf(message: object, path: string): object[] | undefined {
  const calls = ownField(message, 'tool_calls');
  const one = ownField(message, 'function_call');
  if (!isEmpty(calls)) {
    if (!isEmpty(one)) throw bothCalls(path);
    return checkedCalls(jsonOf(calls, `${path}.tool_calls`), `${path}.tool_calls`);
  }
  if (isEmpty(one)) return undefined;
  // "function_call": "auto" is a request option, not a call.
  if (typeof one === 'string' && tryJson(one) === undefined) {
    throw badCall(`${path}.function_call`, kindName(one));
  }
  return checkedCalls([jsonOf(one, `${path}.function_call`)], `${path}.function_call`).map(
    (call) => asFunctionTool(call) as object,
  );
}

/**
 * Tool calls that make up a turn's whole text, as in ShareGPT's `function_call` and ms-swift's `tool_call` turns:
 * `{"name", "arguments"}` or a list of those. Throws `data.bad_field`, `data.field_not_json`.
 */
export function callsOfText(value: unknown, field: string): object[] {
  const parsed = typeof value === 'string' ? jsonOrRefuse(value, field) : value;
  const calls = Array.isArray(parsed) ? parsed : [parsed];
  return checkedCalls(calls, field).map((call) => asFunctionTool(call) as object);
}

function checkedCalls(value: unknown, field: string): Record<string, unknown>[] {
  if (!Array.isArray(value)) throw badCall(field, kindName(value));
  return value.map((call: unknown, i) => {
    const parsed = typeof call === 'string' ? tryJson(call) : call;
    if (!isObject(parsed)) throw badCall(`${field}[${i}]`, kindName(call));
    const inner = isObject(parsed.function) ? parsed.function : parsed;
    if (typeof inner.name !== 'string' || inner.name === '') {
      throw new GraftError('data.missing_field', { field: `${field}[${i}].name` });
    }
    return withArguments(parsed, argumentsOf(inner, `${field}[${i}]`)) as Record<string, unknown>;
  });
}

/** Names that datasets use for the arguments of a call. */
const ARGUMENT_FIELDS = ['arguments', 'parameters', 'args', 'input'];

/** The arguments of a call: an object, or its JSON text. Throws `data.bad_field` for other texts. */
function argumentsOf(call: Record<string, unknown>, field: string): unknown {
  const name = ARGUMENT_FIELDS.find((key) => hasField(call, key));
  const args = name === undefined ? {} : ownField(call, name);
  if (typeof args === 'string' && args.trim() === '') return {};
  const value = typeof args === 'string' ? tryJson(args) : args;
  if (isObject(value)) return args;
  const found = typeof args === 'string' ? 'no JSON object' : kindName(args);
  throw new GraftError('data.bad_field', {
    field: `${field}.${name!}`,
    found,
    expected: 'an object, or its JSON',
  });
}

/** The name and arguments of a call. */
export function partsOfCall(call: object): { name: string; args: unknown } {
  const inner = ownField(call, 'function');
  const holder = isObject(inner) ? inner : call;
  return {
    name: String(ownField(holder, 'name') ?? ''),
    args: hasField(holder, 'arguments') ? ownField(holder, 'arguments') : undefined,
  };
}

/** The call with new arguments. */
export function withArguments(call: object, args: unknown): object {
  const inner = ownField(call, 'function');
  if (isObject(inner)) return { ...call, function: withArguments(inner, args) };
  const others = Object.entries(call).filter(([key]) => !ARGUMENT_FIELDS.includes(key));
  return { ...Object.fromEntries(others), arguments: args };
}

function jsonOrRefuse(text: string, field: string): unknown {
  const parsed = tryJson(text);
  if (parsed === undefined) throw new GraftError('data.field_not_json', { field });
  return parsed;
}

function badCall(field: string, found: string): GraftError {
  return new GraftError('data.bad_field', { field, found, expected: 'a tool call with a name' });
}

function bothCalls(path: string): GraftError {
  return new GraftError('data.unsupported_field', {
    field: `${path}.function_call`,
    detail: 'the message also has tool_calls',
  });
}
