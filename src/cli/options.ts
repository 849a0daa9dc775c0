import { parseArgs } from 'node:util';
import { isObject, tryJson } from '../data/conversation.ts';
import { parseByteSize } from '../lib/byteSize.ts';
import { GraftError } from '../lib/errors.ts';

/** What a number given as an option must be. */
export interface NumberRule {
  min: number;
  max?: number;
  /** A whole number. */
  integer?: boolean;
}

/** The options of a command, read by name; what is missing or odd is an error that shows the usage. */
export class Options {
  readonly #values = new Map<string, string>();
  readonly #flags = new Set<string>();
  readonly #usage: string;

  /**
   * Throws `cli.bad_option` for anything but these options, once each.
   * @param names options that take a value, @param flags those that do not
   */
  constructor(args: string[], usage: string, names: readonly string[], flags: readonly string[] = []) {
    this.#usage = usage;
    const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
    // Not strict, because the texts of its own errors differ from release to release of Node.
    const { tokens } = parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true });
    for (const token of tokens) {
      if (token.kind === 'option-terminator') continue;
      if (token.kind === 'positional') throw this.#bad(`“${token.value}” belongs to no option.`);
      const { name, rawName, value, inlineValue } = token;
      if (this.#values.has(name) || this.#flags.has(name)) throw this.#bad(`${rawName} is given twice.`);
      if (flags.includes(name)) {
        if (inlineValue) throw this.#bad(`${rawName} takes no value.`);
        this.#flags.add(name);
      } else if (!names.includes(name)) {
        throw this.#bad(`${rawName} is not an option of this command.`);
      } else if (value === undefined || (value.startsWith('--') && !inlineValue)) {
        throw this.#bad(`${rawName} has no value.`);
      } else {
        this.#values.set(name, value);
      }
    }
  }

  optional(name: string): string | undefined {
    return this.#values.get(name);
  }

  /** Throws `cli.missing_option`. */
  required(name: string): string {
    const value = this.optional(name);
    if (value === undefined) throw new GraftError('cli.missing_option', { option: name, usage: this.#usage });
    return value;
  }

  /** A number by its rule; without a fallback the option must be there. Throws `cli.bad_value`, `cli.missing_option`. */
  number(
    name: string,
    fallback: number | null,
    { min, max = Infinity, integer = false }: NumberRule,
  ): number {
    const text = this.optional(name);
    if (text === undefined && fallback !== null) return fallback;
    const value = Number(this.required(name));
    const fits =
      Number.isFinite(value) && value >= min && value <= max && (!integer || Number.isInteger(value));
    if (text?.trim() !== '' && fits) return value;
    const kind = integer ? 'a whole number' : 'a number';
    throw this.#badValue(name, max === Infinity ? `${kind} from ${min} up` : `${kind} from ${min} to ${max}`);
  }

  /** One of `choices`; the first when the option is absent. Throws `cli.bad_value`. */
  choice<const T extends string>(name: string, choices: readonly [T, ...T[]]): T {
    const value = this.optional(name);
    if (value === undefined) return choices[0];
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    throw this.#badValue(name, choices.join(' or '));
  }

  /** A number of bytes such as 8GB, 6GiB or 1500000000; null when the option is absent. Throws `cli.bad_value`. */
  bytes(name: string): number | null {
    const value = this.optional(name);
    if (value === undefined) return null;
    const bytes = parseByteSize(value);
    if (bytes) return bytes;
    throw this.#badValue(name, 'a size such as 8GB, 6GiB or a number of bytes');
  }

  /** A JSON object; an empty one when the option is absent. Throws `cli.bad_value`. */
  object(name: string): Record<string, unknown> {
    const text = this.optional(name);
    const value = text === undefined ? {} : tryJson(text);
    if (isObject(value)) return value;
    throw this.#badValue(name, 'a JSON object such as {"enable_thinking": false}');
  }

  flag(name: string): boolean {
    return this.#flags.has(name);
  }

  #bad(detail: string): GraftError {
    return new GraftError('cli.bad_option', { detail, usage: this.#usage });
  }

  #badValue(option: string, expected: string): GraftError {
    const value = this.optional(option) ?? '';
    return new GraftError('cli.bad_value', { option, value, expected, usage: this.#usage });
  }
}

/** How `--quant` and `--double-quant` say that a model's weights are held: null as they are stored. */
export function quantizeOption(options: Options): { doubleQuant: boolean } | null {
  const quant = options.choice('quant', ['none', 'nf4']);
  return quant === 'nf4' ? { doubleQuant: options.flag('double-quant') } : null;
}
