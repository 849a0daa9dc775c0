import { parseArgs } from 'node:util';
import { GraftError, messageOf } from '../lib/errors.ts';

/** The options of a command, read by name; what is missing or odd is an error that shows the usage. */
export class Options {
  readonly #values: Record<string, string | boolean | undefined>;
  readonly #usage: string;

  /** @param names options that take a value, @param flags those that do not */
  constructor(args: string[], usage: string, names: readonly string[], flags: readonly string[] = []) {
    this.#usage = usage;
    const options = Object.fromEntries([
      ...names.map((name) => [name, { type: 'string' as const }]),
      ...flags.map((name) => [name, { type: 'boolean' as const }]),
    ]);
    try {
      this.#values = parseArgs({ args, options, strict: true }).values as Record<string, string | boolean>;
    } catch (cause) {
      throw new GraftError('cli.bad_option', { detail: messageOf(cause), usage }, { cause });
    }
  }

  optional(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  required(name: string): string {
    const value = this.optional(name);
    if (value === undefined) throw new GraftError('cli.missing_option', { option: name, usage: this.#usage });
    return value;
  }

  /** A number not below `min`. */
  number(name: string, fallback: number | null, min = 0): number {
    const text = this.optional(name);
    if (text === undefined && fallback !== null) return fallback;
    const value = Number(this.required(name));
    if (text?.trim() === '' || !Number.isFinite(value) || value < min) {
      throw new GraftError('cli.bad_number', { option: name, value: text ?? '', usage: this.#usage });
    }
    return value;
  }

  /** One of `choices`; the first when the option is absent. */
  choice<const T extends string>(name: string, choices: readonly [T, ...T[]]): T {
    const value = this.optional(name);
    if (value === undefined) return choices[0];
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    const detail = `Option --${name} is “${value}”, but must be ${choices.join(' or ')}.`;
    throw new GraftError('cli.bad_option', { detail, usage: this.#usage });
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }
}
