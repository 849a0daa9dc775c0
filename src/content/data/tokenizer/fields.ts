import { shortJson } from '../../../base/lib/shortJson.ts';

type Json = Record<string, unknown>;

/** A feature of tokenizer.json that this engine does not support: rejected rather than approximated. */
export class UnsupportedError extends Error {}

/** A component of tokenizer.json, read field by field. Errors name the component and the field. */
export class Fields {
  private constructor(
    private readonly value: Json,
    /** Its path, such as `pre_tokenizer.pretokenizers[1]`. */
    readonly path: string,
  ) {}

  static of(value: unknown, path: string): Fields {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new Error(`${path} is ${value === undefined ? 'missing' : 'not an object'}`);
    }
    return new Fields(value as Json, path);
  }

  /** `type`, or null if missing. */
  get type(): string | null {
    return typeof this.value.type === 'string' ? this.value.type : null;
  }

  raw(name: string): unknown {
    return Object.hasOwn(this.value, name) ? this.value[name] : undefined;
  }

  string(name: string): string {
    const value = this.raw(name);
    return typeof value === 'string' ? value : this.fail(name, 'a text');
  }

  /** A text, or null if the field is null or missing. */
  maybeString(name: string): string | null {
    return this.raw(name) === undefined || this.raw(name) === null ? null : this.string(name);
  }

  /** A text of one character. */
  char(name: string): string {
    const value = this.raw(name);
    return typeof value === 'string' && Array.from(value).length === 1
      ? value
      : this.fail(name, 'a single character');
  }

  boolean(name: string, missing?: boolean): boolean {
    const value = this.raw(name) ?? missing;
    return typeof value === 'boolean' ? value : this.fail(name, 'true or false');
  }

  count(name: string, missing?: number): number {
    const value = this.raw(name) ?? missing;
    return Number.isSafeInteger(value) && (value as number) >= 0
      ? (value as number)
      : this.fail(name, 'a whole number');
  }

  oneOf<T extends string>(name: string, allowed: readonly T[], missing?: T): T {
    const value = this.raw(name) ?? missing;
    return allowed.includes(value as T) ? (value as T) : this.fail(name, `one of ${allowed.join(', ')}`);
  }

  list(name: string): unknown[] {
    const value = this.raw(name);
    return Array.isArray(value) ? value : this.fail(name, 'a list');
  }

  /** The components of a list. */
  parts(name: string): Fields[] {
    return this.list(name).map((value, i) => Fields.of(value, `${this.path}.${name}[${i}]`));
  }

  part(name: string): Fields {
    return Fields.of(this.raw(name), `${this.path}.${name}`);
  }

  fail(name: string, expected: string): never {
    const path = `${this.path}.${name}`;
    const value = this.raw(name);
    if (value === undefined) throw new Error(`${path} is missing`);
    throw new Error(`${path} should be ${expected}: it is ${shortJson(value, 60)}`);
  }

  /** Throws for a component that this tokenizer engine does not support. */
  refuse(what: string): never {
    throw new UnsupportedError(`${this.path}: ${what}`);
  }
}

/** Reads a part of tokenizer.json that may be missing or null; null then. */
export function maybePart<T>(json: Readonly<Json>, name: string, read: (fields: Fields) => T): T | null {
  const value = json[name];
  return value === undefined || value === null ? null : read(Fields.of(value, name));
}
