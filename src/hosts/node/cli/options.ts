import { parseArgs } from 'node:util';
import { parseByteSize } from '../../../base/lib/byteSize.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { isObject, tryJson } from '../../../content/data/rows/conversation.ts';

/** One option of a command: how it is written, what it is for, and how its text is read. */
export interface Option<T> {
  /** What stands for its value in help; null for a flag. */
  placeholder: string | null;
  help: string;
  /** The heading it is listed under. */
  group: OptionGroup;
  required: boolean;
  /** Its default as help shows it; null where there is none. */
  defaultText: string | null;
  /** May be given more than once. */
  repeats?: boolean;
  /**
   * Reads the text; undefined where the option is absent. Throws a `BadValue` that says what is expected.
   * @param all every text of an option that repeats
   */
  read(text: string | undefined, all: readonly string[]): T;
}

/** Headings of options in help, in this order. */
export const optionGroups = [
  'Model',
  'Data',
  'Training',
  'Evaluation',
  'Sampling',
  'Output',
  'Other',
] as const;
export type OptionGroup = (typeof optionGroups)[number];

/** Options by their name in camelCase: `rowsField` is `--rows-field`. */
export type OptionTable = Readonly<Record<string, Option<unknown>>>;

/** The values of a table's options. */
export type Values<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Option<infer T> ? T : never;
};

/** What a value must be. */
class BadValue extends Error {}

const base = (group: OptionGroup, placeholder: string | null, help: string) => ({
  placeholder,
  help,
  group,
  required: false,
  defaultText: null,
});

/** A text that must be given. */
export function required(group: OptionGroup, placeholder: string, help: string): Option<string> {
  return { ...base(group, placeholder, help), required: true, read: (given) => given! };
}

/** A text that may be left out. */
export function optional(group: OptionGroup, placeholder: string, help: string): Option<string | undefined> {
  return { ...base(group, placeholder, help), read: (given) => given };
}

/** Texts of an option that may be given more than once; none by default. */
export function repeated(group: OptionGroup, placeholder: string, help: string): Option<readonly string[]> {
  return { ...base(group, placeholder, help), repeats: true, read: (_, all) => all };
}

/** True where it is given. */
export function flag(group: OptionGroup, help: string): Option<boolean> {
  return { ...base(group, null, help), read: (given) => given !== undefined };
}

/** One of `choices`; the first by default. */
export function choice<const T extends string>(
  group: OptionGroup,
  choices: readonly [T, ...T[]],
  help: string,
): Option<T> {
  return {
    ...base(group, choices.join('|'), help),
    defaultText: choices[0],
    read(given) {
      const found = given === undefined ? choices[0] : choices.find((one) => one === given);
      if (found === undefined) throw new BadValue(choices.join(' or '));
      return found;
    },
  };
}

/** One of many names, or none; what it may be is in the error. */
export function name<T extends string>(
  group: OptionGroup,
  names: readonly T[],
  help: string,
): Option<T | undefined> {
  return {
    ...base(group, 'NAME', help),
    read(given) {
      const found = names.find((one) => one === given?.toLowerCase());
      if (given !== undefined && found === undefined) throw new BadValue(`one of ${names.join(', ')}`);
      return found;
    },
  };
}

/** A number within bounds; `fallback` null must be given. */
export function number(
  group: OptionGroup,
  fallback: number | null,
  { min, max = Infinity, integer = false }: { min: number; max?: number; integer?: boolean },
  help: string,
): Option<number> {
  const kind = integer ? 'a whole number' : 'a number';
  return {
    ...base(group, 'N', help),
    required: fallback === null,
    defaultText: fallback === null ? null : String(fallback),
    read(given) {
      if (given === undefined) return fallback!;
      const value = Number(given);
      const fits = Number.isFinite(value) && value >= min && value <= max;
      if (given.trim() !== '' && fits && (!integer || Number.isInteger(value))) return value;
      throw new BadValue(max === Infinity ? `${kind} ≥ ${min}` : `${kind} from ${min} to ${max}`);
    },
  };
}

/** A number within bounds, or none. */
export function optionalNumber(
  group: OptionGroup,
  bounds: { min: number; max?: number; integer?: boolean },
  help: string,
): Option<number | null> {
  const given = number(group, 0, bounds, help);
  return {
    ...given,
    defaultText: null,
    read: (text, all) => (text === undefined ? null : given.read(text, all)),
  };
}

/** Bytes such as 8GB, 6GiB or 1500000000; `fallback` where it is absent. */
export function bytes<T extends string | null>(
  group: OptionGroup,
  fallback: T,
  help: string,
): Option<T extends string ? number : number | null> {
  const size = (text: string): number => {
    const value = parseByteSize(text);
    if (value) return value;
    throw new BadValue('a size such as 8GB, 6GiB or a number of bytes');
  };
  return {
    ...base(group, 'SIZE', help),
    defaultText: fallback,
    read: (given = fallback ?? undefined) =>
      (given === undefined ? null : size(given)) as T extends string ? number : number | null,
  };
}

/** A JSON object; an empty one by default. */
export function json(group: OptionGroup, help: string): Option<Record<string, unknown>> {
  return {
    ...base(group, 'JSON', help),
    read(given) {
      const value = given === undefined ? {} : tryJson(given);
      if (isObject(value)) return value;
      throw new BadValue('a JSON object such as {"enable_thinking": false}');
    },
  };
}

/** The option's name on the command line, without its dashes. */
export function optionName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/**
 * Reads a command's arguments by its table. Throws `cli.bad_option` for anything but its options, once each,
 * `cli.missing_option` and `cli.bad_value`.
 * @param usage one line, for errors
 */
export function readOptions<Table extends OptionTable>(
  args: readonly string[],
  table: Table,
  usage: string,
): Values<Table> {
  const given = splitArguments(args, table, usage);
  const values: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(table)) {
    const all = given.get(optionName(key)) ?? [];
    const text = all.at(0);
    if (text === undefined && option.required)
      throw new GraftError('cli.missing_option', { option: optionName(key), usage });
    try {
      values[key] = option.read(text, all);
    } catch (error) {
      if (!(error instanceof BadValue)) throw error;
      const params = { option: optionName(key), value: text ?? '', expected: error.message, usage };
      throw new GraftError('cli.bad_value', params);
    }
  }
  return values as Values<Table>;
}

/** The texts of each option that is given; an empty one of a flag. */
function splitArguments(args: readonly string[], table: OptionTable, usage: string): Map<string, string[]> {
  const bad = (detail: string) => new GraftError('cli.bad_option', { detail, usage });
  const named = new Map(Object.entries(table).map(([key, option]) => [optionName(key), option]));
  const texts = [...named].filter(([, { placeholder }]) => placeholder !== null);
  const options = Object.fromEntries(texts.map(([name]) => [name, { type: 'string' as const }]));
  const given = new Map<string, string[]>();
  // Not strict, because the texts of its own errors differ from release to release of Node.
  const { tokens } = parseArgs({
    args: [...args],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') throw bad(`Unexpected argument “${token.value}”.`);
    const { name, rawName, value, inlineValue } = token;
    const option = named.get(name);
    if (given.has(name) && !option?.repeats) throw bad(`${rawName} appears more than once.`);
    if (!option) throw bad(`Unknown option ${rawName}.`);
    if (option.placeholder === null) {
      if (inlineValue) throw bad(`${rawName} does not take a value.`);
      given.set(name, ['']);
    } else if (value === undefined || (value.startsWith('--') && !inlineValue)) {
      throw bad(`${rawName} needs a value.`);
    } else {
      given.set(name, [...(given.get(name) ?? []), value]);
    }
  }
  return given;
}
