import { spendCharacters, spendItems, spendScan, spendSteps } from './budget.ts';
import {
  copyList,
  DICT_CHANGES,
  dictMethods,
  LIST_CHANGES,
  numberAttribute,
  sequenceMethods,
} from './containerMethods.ts';
import { Dict, DictView, hashKey } from './dict.ts';
import { isKind, TemplateError, typeError, unsupported, valueError } from './errors.ts';
import { index } from './numbers.ts';
import { formatFields } from './strFormat.ts';
import { sliceText, strMethod } from './strMethods.ts';
import { hasPairs, lengthOf } from './text.ts';
import {
  Callable,
  Float,
  Instance,
  isInt,
  isNumber,
  isString,
  Iteration,
  Markup,
  NamedTuple,
  NO_KEYWORDS,
  Range,
  Slice,
  textOf,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.ts';
import { repr } from './write.ts';

/** Attributes of every Python object, which the sandbox hides. */
const DUNDERS = new Set(
  'class delattr dir doc eq format ge getattribute getstate gt hash init init_subclass le lt ne new reduce reduce_ex repr setattr sizeof str subclasshook'
    .split(' ')
    .map((name) => `__${name}__`),
);

const unsafe = (value: Value, name: string) =>
  new Undefined(`access to attribute '${name}' of '${typeName(value)}' object is unsafe.`, 'SecurityError');

function missing(value: Value, name: Value): Undefined {
  if (isString(name))
    return new Undefined(() => `'${typeName(value)} object' has no attribute '${textOf(name)}'`);
  return new Undefined(() => `${typeName(value)} object has no element ${repr(name)}`);
}

/** The attribute of `value` in Python's sense; undefined if there is none. */
export function attributeOf(value: Value, name: string): Value | undefined {
  if (name.startsWith('_')) return DUNDERS.has(name) ? unsafe(value, name) : undefined;
  if (isString(value)) return textAttribute(value, name);
  if (value instanceof Dict) {
    const method = dictMethods.get(name);
    if (method) return bound(name, (args, keywords) => method(value, args, keywords));
    return DICT_CHANGES.has(name) ? unsafe(value, name) : undefined;
  }
  if (value instanceof DictView) return viewAttribute(value, name);
  if (value instanceof Instance) return value.attribute(name);
  if (isNumber(value)) {
    const found = numberAttribute(value, name);
    if (!found) return undefined;
    return 'value' in found ? found.value : bound(name, (args) => none(name, args, found.method));
  }
  if (value instanceof Undefined) throw value.error();
  if (Array.isArray(value) || value instanceof Tuple || value instanceof Range)
    return sequenceAttribute(value, name);
  if (value instanceof Slice && (name === 'start' || name === 'stop' || name === 'step')) return value[name];
  if (value instanceof Iteration && /^(send|throw|close|gi_)/.test(name))
    return unsupportedAttribute(value, name);
  return undefined;
}

function unsupportedAttribute(value: Value, name: string): never {
  throw unsupported(`the attribute ${name} of a ${typeName(value)}`);
}

function none(name: string, args: readonly Value[], run: () => Value): Value {
  if (args.length > 0) throw typeError(`${name}() takes no arguments (${args.length} given)`);
  return run();
}

const bound = (name: string, call: Callable['call']) => new Callable(name, call);

function textAttribute(value: string | Markup, name: string): Value | undefined {
  if (name === 'format') return bound(name, (args, keywords) => formatFields(value, args, keywords, lookup));
  if (name === 'format_map') {
    return bound(name, (args, keywords) => {
      const [mapping] = args;
      if (keywords.size > 0 || args.length !== 1 || !(mapping instanceof Dict))
        throw typeError('format_map() takes exactly one mapping');
      return formatFields(value, [], mapping, lookup);
    });
  }
  if (value instanceof Markup && ['striptags', 'unescape', 'escape'].includes(name))
    return unsupportedAttribute(value, name);
  const method = strMethod(name);
  return method && bound(name, (args, keywords) => method(value, args, keywords));
}

function sequenceAttribute(value: Value[] | Tuple | Range, name: string): Value | undefined {
  if (value instanceof Range && (name === 'start' || name === 'stop' || name === 'step')) return value[name];
  const items = value instanceof Tuple ? value.items : value;
  if (value instanceof NamedTuple && value.names.includes(name))
    return value.items[value.names.indexOf(name)];
  const method = sequenceMethods.get(name);
  if (method) return bound(name, (args, keywords) => method(items, args, keywords));
  if (!Array.isArray(value)) return undefined;
  if (name === 'copy') return bound(name, (args, keywords) => copyList(value, args, keywords));
  return LIST_CHANGES.has(name) ? unsafe(value, name) : undefined;
}

function viewAttribute(value: DictView, name: string): Value | undefined {
  if (name === 'mapping') return unsupportedAttribute(value, name);
  return name === 'isdisjoint' && value.part !== 'values' ? unsupportedAttribute(value, name) : undefined;
}

/** `value.name` in a template: the attribute, else the key, else undefined. */
export function getAttribute(value: Value, name: string): Value {
  const attribute = attributeOf(value, name);
  if (attribute !== undefined) return attribute;
  if (value instanceof Dict) return value.get(name) ?? missing(value, name);
  if (value instanceof Undefined) throw value.error();
  return (value instanceof Instance ? value.item?.(name) : undefined) ?? missing(value, name);
}

/** `value[key]` in a template: the item, else the attribute of that name, else undefined. */
export function getItem(value: Value, key: Value): Value {
  return (
    itemOf(value, key) ?? (isString(key) ? attributeOf(value, textOf(key)) : undefined) ?? missing(value, key)
  );
}

/**
 * Python's `value[key]`, but undefined where it raises TypeError or LookupError. Not with exceptions: a template that
 * reads `type` of every character would throw for each.
 */
function itemOf(value: Value, key: Value): Value | undefined {
  if (value instanceof Dict) return isHashable(key) ? value.get(key) : undefined;
  if (value instanceof Undefined) throw value.error();
  if (value instanceof Instance) return value.item?.(key);
  if (key instanceof Slice) return isSequence(value) ? slice(value, key) : undefined;
  if (!isSequence(value) || !isInt(key)) return undefined;
  const at = index(key);
  if (isString(value)) return characterAt(value, at);
  if (Array.isArray(value)) return value[at < 0 ? at + value.length : at];
  if (value instanceof Tuple) return value.items[at < 0 ? at + value.items.length : at];
  const resolved = at < 0 ? at + value.length : at;
  return resolved >= 0 && resolved < value.length ? value.start + value.step * resolved : undefined;
}

const isSequence = (value: Value): value is string | Markup | Value[] | Tuple | Range =>
  isString(value) || Array.isArray(value) || value instanceof Tuple || value instanceof Range;

function isHashable(key: Value): boolean {
  if (typeof key === 'string') return true;
  try {
    hashKey(key);
    return true;
  } catch (error) {
    if (isKind(error, ['TypeError'])) return false;
    throw error;
  }
}

function characterAt(value: string | Markup, at: number): Value | undefined {
  const text = textOf(value);
  spendScan(text.length);
  const resolved = at < 0 ? at + lengthOf(text) : at;
  if (resolved < 0) return undefined;
  const char = hasPairs(text) ? [...text][resolved] : text.charAt(resolved);
  if (char === undefined || char === '') return undefined;
  return value instanceof Markup ? new Markup(char) : char;
}

/** `value[start:stop:step]`. Throws TypeError, ValueError. */
export function slice(value: Value, range: Slice): Value {
  if (value instanceof Undefined) throw value.error();
  if (isString(value)) {
    const text = textOf(value);
    spendScan(text.length);
    const [start, stop, step] = bounds(range, lengthOf(text));
    // With another step than 1 each character is taken by itself.
    if (step !== 1) {
      const taken = Math.max(0, Math.ceil((stop - start) / step));
      spendSteps(text.length + taken);
      spendCharacters(taken);
    }
    const part = sliceText(text, start, stop, step);
    return value instanceof Markup ? new Markup(part) : part;
  }
  if (Array.isArray(value)) return sliceItems(value, range);
  if (value instanceof Tuple) return new Tuple(sliceItems(value.items, range));
  if (value instanceof Range) {
    const [start, stop, step] = bounds(range, value.length);
    const at = (i: number) => value.start + value.step * i;
    return new Range(at(start), at(stop), value.step * step);
  }
  if (value instanceof Dict) throw typeError("unhashable type: 'slice'");
  const item = value instanceof Instance ? value.item?.(range) : undefined;
  if (item !== undefined) return item;
  throw typeError(`'${typeName(value)}' object is not subscriptable`);
}

function sliceItems(items: readonly Value[], range: Slice): Value[] {
  const [start, stop, step] = bounds(range, items.length);
  spendItems(Math.max(0, Math.ceil((stop - start) / step)));
  if (step === 1) return items.slice(start, Math.max(start, stop));
  const result: Value[] = [];
  for (let i = start; step > 0 ? i < stop : i > stop; i += step) result.push(items[i] as Value);
  return result;
}

/** slice.indices(length) */
function bounds(range: Slice, length: number): [start: number, stop: number, step: number] {
  const step = range.step === null ? 1 : sliceIndex(range.step);
  if (step === 0) throw valueError('slice step cannot be zero');
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
  const resolve = (value: Value, otherwise: number) => {
    if (value === null) return otherwise;
    const at = sliceIndex(value);
    return Math.min(high, Math.max(low, at < 0 ? at + length : at));
  };
  const start = resolve(range.start, step > 0 ? low : high);
  const stop = resolve(range.stop, step > 0 ? high : low);
  return [start, stop, step];
}

function sliceIndex(value: Value): number {
  if (isNumber(value) && !(value instanceof Float)) return index(value);
  throw new TemplateError('TypeError', 'slice indices must be integers or None or have an __index__ method');
}

/** Fields of format strings access values as templates do. */
const lookup = { attribute: getAttribute, item: getItem };

/** Calls `value`. Throws TypeError if it cannot be called. */
export function call(value: Value, args: readonly Value[], keywords = NO_KEYWORDS): Value {
  if (value instanceof Callable) return value.call(args, keywords);
  if (value instanceof Instance && value.call) return value.call(args, keywords);
  if (value instanceof Undefined) throw value.error();
  throw typeError(`'${typeName(value)}' object is not callable`);
}
