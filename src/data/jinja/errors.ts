/** Names of Python's exceptions that a template may raise or that its own rules look for. */
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
  /** raise_exception of the template itself; the message is the template's. */
  | 'raised'
  /** It takes more than a chat template may. */
  | 'limit'
  /** Something this engine does not do, named. */
  | 'unsupported';

/** A template that cannot be compiled or rendered, by the name of what Python would raise. */
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

/** True when `error` is what Python's `except (…)` with these names would catch. */
export function isKind(error: unknown, kinds: readonly ErrorKind[]): boolean {
  return error instanceof TemplateError && kinds.includes(error.kind);
}
