import { GraftError } from '../lib/errors.ts';

/** Reads fields of config.json; what is missing or of the wrong kind is an error that names the key. */
export class ConfigReader {
  readonly #json: Record<string, unknown>;
  readonly #path: string;

  /** @param path prefix of nested keys in errors, such as "rope_scaling." */
  constructor(json: Record<string, unknown>, path = '') {
    this.#json = json;
    this.#path = path;
  }

  /** Whether the key is there with a value other than null. */
  has(key: string): boolean {
    return this.#json[key] !== undefined && this.#json[key] !== null;
  }

  /** Whether the key is there, be it with null. */
  present(key: string): boolean {
    return this.#json[key] !== undefined;
  }

  /** A positive number in a key that must be there, and not with null. */
  required(key: string): number {
    if (this.isNull(key)) throw this.#invalid(key, null, 'a positive number');
    return this.number(key);
  }

  /** A string in a key that must be there, and not with null. */
  text(key: string): string {
    if (this.isNull(key)) throw this.#invalid(key, null, 'a string');
    return this.string(key);
  }

  /** Whether the key is there and says null: often "off", where its absence means a default. */
  isNull(key: string): boolean {
    return this.#json[key] === null;
  }

  /** A positive integer; without a fallback the key must be there. */
  integer(key: string, fallback?: number): number {
    return this.#whole(key, fallback, 1, 'a positive whole number');
  }

  /** An integer from 0; without a fallback the key must be there. */
  natural(key: string, fallback?: number): number {
    return this.#whole(key, fallback, 0, 'a whole number from 0');
  }

  /** A positive finite number. */
  number(key: string, fallback?: number): number {
    const value = this.#value(key, fallback);
    if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
      throw this.#invalid(key, value, 'a positive number');
    }
    return value;
  }

  boolean(key: string, fallback?: boolean): boolean {
    const value = this.#value(key, fallback);
    if (typeof value !== 'boolean') throw this.#invalid(key, value, 'true or false');
    return value;
  }

  string(key: string, fallback?: string): string {
    const value = this.#value(key, fallback);
    if (typeof value !== 'string') throw this.#invalid(key, value, 'a string');
    return value;
  }

  /** A list of strings, or the empty list. */
  strings(key: string): string[] {
    const value = this.#value(key, []);
    if (!Array.isArray(value) || value.some((v) => typeof v !== 'string')) {
      throw this.#invalid(key, value, 'a list of strings');
    }
    return value as string[];
  }

  /** A nested object, or null when it is absent or null. */
  object(key: string): ConfigReader | null {
    if (!this.has(key)) return null;
    const value = this.#json[key];
    if (typeof value !== 'object' || Array.isArray(value)) throw this.#invalid(key, value, 'an object');
    return new ConfigReader(value as Record<string, unknown>, `${this.#path}${key}.`);
  }

  /** A nested object; null where it is absent, or empty in any of the ways that Python takes for no. */
  record(key: string): ConfigReader | null {
    const value = this.#json[key];
    const isEmpty = Array.isArray(value) ? value.length === 0 : !value;
    if (isEmpty) return null;
    return Object.keys(value as object).length === 0 ? null : this.object(key);
  }

  /** The error of a value that is well-formed, but not one Graft computes. */
  unsupported(key: string, value: string): GraftError {
    return new GraftError('model.config_unsupported', { key: this.#path + key, value });
  }

  #whole(key: string, fallback: number | undefined, least: number, expected: string): number {
    const value = this.#value(key, fallback);
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
      throw this.#invalid(key, value, expected);
    }
    return value;
  }

  #value(key: string, fallback: unknown): unknown {
    if (this.has(key)) return this.#json[key];
    if (fallback === undefined) throw new GraftError('model.config_missing_key', { key: this.#path + key });
    return fallback;
  }

  #invalid(key: string, value: unknown, expected: string): GraftError {
    const shown = JSON.stringify(value)?.slice(0, 60) ?? 'nothing';
    return new GraftError('model.config_invalid', { key: this.#path + key, value: shown, expected });
  }
}
