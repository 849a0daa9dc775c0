import { Dict } from './dict.ts';
import { TemplateError, typeError, valueError } from './errors.ts';
import type { Frame } from './frame.ts';
import { Namespace } from './instances.ts';
import { listOf, tryIterate } from './iterate.ts';
import type { Target } from './nodes.ts';
import type { Scope } from './scope.ts';
import { Tuple, typeName, type Value } from './values.ts';

/** Compiles an assignment to `target`. It returns the value as reading the target would, with tuples copied. */
export function compileTarget(target: Target, frame: Frame): (scope: Scope, value: Value) => Value {
  if (target.type === 'name') {
    const write = frame.write(frame.symbols.ref(target.name));
    return (scope, value) => {
      write(scope, value);
      return value;
    };
  }
  if (target.type === 'attributeTarget') {
    const read = frame.read(frame.symbols.ref(target.name));
    return (scope, value) => {
      const owner = read(scope);
      // A block (`{% set d.x %}…{% endset %}`) does not require a namespace: Jinja lets it change a dict.
      if (!(owner instanceof Namespace || owner instanceof Dict))
        throw typeError('object does not support item assignment');
      owner.set(target.attribute, value);
      return value;
    };
  }
  const items = target.items.map((item) => compileTarget(item, frame));
  return (scope, value) => {
    if (!tryIterate(value)) throw typeError(`cannot unpack non-iterable ${typeName(value)} object`);
    const values = listOf(value);
    if (values.length > items.length)
      throw valueError(`too many values to unpack (expected ${items.length})`);
    if (values.length < items.length)
      throw valueError(`not enough values to unpack (expected ${items.length}, got ${values.length})`);
    return new Tuple(items.map((assign, i) => assign(scope, values[i] as Value)));
  };
}

/** Compiles a check, to run before anything is evaluated, that attributes are assigned only to namespaces. */
export function compileNamespaceCheck(target: Target, frame: Frame): (scope: Scope) => void {
  const names = new Set(namespacesOf(target));
  if (names.size === 0) return () => undefined;
  const reads = [...names].map((name) => frame.read(frame.symbols.ref(name)));
  return (scope) => {
    if (reads.every((read) => read(scope) instanceof Namespace)) return;
    throw new TemplateError('TemplateRuntimeError', 'cannot assign attribute on non-namespace object');
  };
}

const namespacesOf = (target: Target): string[] =>
  target.type === 'attributeTarget'
    ? [target.name]
    : target.type === 'targets'
      ? target.items.flatMap(namespacesOf)
      : [];

/** The names that a target assigns. */
export const namesOf = (target: Target): string[] =>
  target.type === 'name' ? [target.name] : target.type === 'targets' ? target.items.flatMap(namesOf) : [];
