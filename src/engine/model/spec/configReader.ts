import { GraftError } from '../../../base/lib/errors.ts';
import { shortJson } from '../../../base/lib/shortJson.ts';

/** Reads fields of config.json. Missing or mistyped fields throw errors that name the key. */
export class ConfigReader {
  readonly #json: Record<string, unknown>;
  readonly #path: string;

  /** @param path prefix of nested keys in errors, such as "rope_scaling." */
  constructor(json: Record<string, unknown>, path = '') {
    this.#json = json;
    this.#path = path;
  }

  /** Whether the key has a value other than null. */
  has(key: string): boolean {
    return this.#json[key] !== undefined && this.#json[key] !== null;
  }

  /** Whether the key exists, even if null. */
  present(key: string): boolean {
    return this.#json[key] !== undefined;
  }

  /** A required positive number. */
  required(key: string): number {
    if (this.isNull(key)) throw this.invalid(key, null, 'a positive number');
    return this.number(key);
  }

  /** A required string. */
  text(key: string): string {
    if (this.isNull(key)) throw this.invalid(key, null, 'a string');
    return this.string(key);
  }

  /** Whether the key exists and is null: often "off", whereas its absence means a default. */
  isNull(key: string): boolean {
    return this.#json[key] === null;
  }

  /** A positive integer; required unless there is a fallback. */
  integer(key: string, fallback?: number): number {
    return this.#whole(key, fallback, 1, 'a positive whole number');
  }

  /** A non-negative integer; required unless there is a fallback. */
  natural(key: string, fallback?: number): number {
    return this.#whole(key, fallback, 0, 'a whole number from 0');
  }

  /** A positive finite number. */
  number(key: string, fallback?: number): number {
    const value = this.#value(key, fallback);
    if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
      throw this.invalid(key, value, 'a positive number');
    }
    return value;
  }

  /** A finite number from 0. */
  nonNegative(key: string, fallback?: number): number {
    const value = this.#value(key, fallback);
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
      throw this.invalid(key, value, 'a number from 0');
    }
    return value;
  }

  /** A required list of positive numbers. */
  numbers(key: string): number[] {
    const value = this.#value(key, undefined);
    if (!Array.isArray(value) || !value.every((v) => typeof v === 'number' && Number.isFinite(v) && v > 0)) {
      throw this.invalid(key, value, 'a list of positive numbers');
    }
    return value as number[];
  }

  boolean(key: string, fallback?: boolean): boolean {
    const value = this.#value(key, fallback);
    if (typeof value !== 'boolean') throw this.invalid(key, value, 'true or false');
    return value;
  }

  string(key: string, fallback?: string): string {
    const value = this.#value(key, fallback);
    if (typeof value !== 'string') throw this.invalid(key, value, 'a string');
    return value;
  }

  /** A list of whole numbers from 0, empty if absent. */
  naturals(key: string): number[] {
    const value = this.#value(key, []);
    if (!Array.isArray(value) || value.some((v) => !Number.isSafeInteger(v) || (v as number) < 0)) {
      throw this.invalid(key, value, 'a list of whole numbers from 0');
    }
    return value as number[];
  }

  /** A list of strings, empty if absent. */
  strings(key: string): string[] {
    const value = this.#value(key, []);
    if (!Array.isArray(value) || value.some((v) => typeof v !== 'string')) {
      throw this.invalid(key, value, 'a list of strings');
    }
    return value as string[];
  }

  /** A list of at least `count` switches, 0 or 1. */
  flags(key: string, count: number): boolean[] {
    const value = this.#value(key, undefined);
    const isFlag = (v: unknown) => v === 0 || v === 1 || typeof v === 'boolean';
    if (!Array.isArray(value) || value.length < count || !value.every(isFlag)) {
      throw this.invalid(key, value, `a list of at least ${count} numbers, 0 or 1`);
    }
    return value.map(Boolean);
  }

  /** A nested object; null if it is absent or null. */
  object(key: string): ConfigReader | null {
    if (!this.has(key)) return null;
    const value = this.#json[key];
    if (typeof value !== 'object' || Array.isArray(value)) throw this.invalid(key, value, 'an object');
    return new ConfigReader(value as Record<string, unknown>, `${this.#path}${key}.`);
  }

  /** A required nested object. */
  objectOf(key: string): ConfigReader {
    return this.object(key) ?? this.#missing(key);
  }

  /** A nested object; null if it is absent, or falsy in Python. */
  record(key: string): ConfigReader | null {
    const value = this.#json[key];
    const isEmpty = Array.isArray(value) ? value.length === 0 : !value;
    if (isEmpty) return null;
    return Object.keys(value as object).length === 0 ? null : this.object(key);
  }

  /** The error for a valid value that Graft does not support. */
  unsupported(key: string, value: string): GraftError {
    return new GraftError('model.config_unsupported', { key: this.#path + key, value });
  }

  /** The error for a value that cannot be. */
  invalid(key: string, value: unknown, expected: string): GraftError {
    const shown = value === undefined ? 'nothing' : shortJson(value, 60);
    return new GraftError('model.config_invalid', { key: this.#path + key, value: shown, expected });
  }

  /** The same keys, replaced or joined by those of another. */
  with(other: ConfigReader): ConfigReader {
    return new ConfigReader({ ...this.#json, ...other.#json }, other.#path);
  }

  /** The same keys, one of them replaced. */
  withValue(key: string, value: unknown): ConfigReader {
    return new ConfigReader({ ...this.#json, [key]: value }, this.#path);
  }

  /** The same keys, joined by others where they are absent. */
  withDefaults(defaults: Readonly<Record<string, unknown>>): ConfigReader {
    return new ConfigReader({ ...defaults, ...this.#json }, this.#path);
  }

  /** The same keys but for one. */
  without(key: string): ConfigReader {
    return this.withValue(key, undefined);
  }

  #missing(key: string): never {
    throw new GraftError('model.config_missing_key', { key: this.#path + key });
  }

  #whole(key: string, fallback: number | undefined, least: number, expected: string): number {
    const value = this.#value(key, fallback);
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
      throw this.invalid(key, value, expected);
    }
    return value;
  }

  #value(key: string, fallback: unknown): unknown {
    if (this.has(key)) return this.#json[key];
    return fallback === undefined ? this.#missing(key) : fallback;
  }
}
