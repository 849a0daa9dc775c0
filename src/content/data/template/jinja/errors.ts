/** Names of Python's exceptions that a template may raise or that Jinja itself handles. */
export type ErrorKind =
  | 'TemplateSyntaxError'
  | 'TemplateRuntimeError'
  | 'FilterArgumentError'
  | 'UndefinedError'
  | 'SecurityError'
  | 'TypeError'
  | 'ValueError'
  | 'IndexError'
  | 'KeyError'
  | 'AttributeError'
  | 'ZeroDivisionError'
  | 'OverflowError'
  | 'AssertionError'
  | 'RuntimeError'
  | 'UnicodeError'
  /** raise_exception by the template, with the template's message. */
  | 'raised'
  /** A template exceeded its limits. */
  | 'limit'
  /** A feature that this engine does not support, named. */
  | 'unsupported';

/** A template that cannot be compiled or rendered, with the name of the exception Python would raise. */
export class TemplateError extends Error {
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, message: string) {
    super(message);
    this.name = 'TemplateError';
    this.kind = kind;
  }
}

export const typeError = (message: string) => new TemplateError('TypeError', message);
export const valueError = (message: string) => new TemplateError('ValueError', message);
export const unsupported = (message: string) => new TemplateError('unsupported', message);

/** Whether Python's `except (…)` with these names would catch `error`. */
export function isKind(error: unknown, kinds: readonly ErrorKind[]): boolean {
  return error instanceof TemplateError && kinds.includes(error.kind);
}
