import { templateLimits } from '../../programLimits.ts';
import { bind, signature, textArgument } from './bind.ts';
import { limit } from './budget.ts';
import { fromKeys } from './containerMethods.ts';
import { Dict } from './dict.ts';
import { TemplateError, typeError, unsupported, valueError } from './errors.ts';
import { Cycler, Joiner, Namespace } from './instances.ts';
import { each, listOf, tryIterate } from './iterate.ts';
import { index } from './numbers.ts';
import { strftime } from './strftime.ts';
import { Callable, Instance, Range, typeName, Undefined, type Keywords, type Value } from './values.ts';
import { str } from './write.ts';

function makeRange(args: readonly Value[], keywords: Keywords): Value {
  const [first, second, third] = bind(signature('range', 'start, stop=, step=, /'), args, keywords);
  const start = second === undefined ? 0 : index(first as Value);
  const stop = index(second ?? (first as Value));
  const step = third === undefined ? 1 : index(third);
  if (step === 0) throw valueError('range() arg 3 must not be zero');
  const range = new Range(start, stop, step);
  if (range.length > templateLimits.range)
    throw limit(
      `range(${start}, ${stop}, ${step}) is too long: the sandbox allows ${templateLimits.range} items`,
    );
  return range;
}

/** Python's dict(…). */
function makeDict(args: readonly Value[], keywords: Keywords): Dict {
  if (args.length > 1) throw typeError(`dict expected at most 1 argument, got ${args.length}`);
  const dict = new Dict();
  const [source] = args;
  if (source instanceof Undefined) throw source.error();
  if (source instanceof Dict) for (const [key, value] of source.entries()) dict.set(key, value);
  else if (source !== undefined) {
    for (const item of each(source)) {
      const pair = tryIterate(item) ? listOf(item) : null;
      if (!pair) throw typeError('cannot convert dictionary update sequence element to a sequence');
      if (pair.length !== 2)
        throw valueError(`dictionary update sequence element has length ${pair.length}; 2 is required`);
      dict.set(pair[0] as Value, pair[1] as Value);
    }
  }
  for (const [key, value] of keywords) dict.set(key, value);
  return dict;
}

class DictFunction extends Instance {
  readonly typeName = 'TemplateDict';

  attribute(name: string): Value | undefined {
    if (name !== 'fromkeys') return undefined;
    return new Callable(name, (args, keywords) => {
      const [keys, value] = bind(signature('fromkeys', 'iterable, value=, /'), args, keywords);
      return fromKeys(keys as Value, value ?? null);
    });
  }

  override call(args: readonly Value[], keywords: Keywords): Value {
    return makeDict(args, keywords);
  }
}

const always = new Map<string, Value>([
  ['range', new Callable('range', makeRange)],
  ['dict', new DictFunction()],
  [
    'namespace',
    new Callable('namespace', (args, keywords) => new Namespace(makeDict(args, keywords)), 'type'),
  ],
  [
    'cycler',
    new Callable(
      'cycler',
      (args, keywords) => {
        bind(signature('cycler'), [], keywords);
        return new Cycler(args);
      },
      'type',
    ),
  ],
  [
    'joiner',
    new Callable(
      'joiner',
      (args, keywords) => {
        const [separator = ', '] = bind(signature('joiner', 'sep='), args, keywords);
        return new Joiner(separator);
      },
      'type',
    ),
  ],
  [
    'lipsum',
    new Callable('lipsum', () => {
      throw unsupported('the function lipsum: it makes a text by chance');
    }),
  ],
  [
    'raise_exception',
    new Callable('raise_exception', (args, keywords) => {
      const [message] = bind(signature('raise_exception', 'message'), args, keywords);
      throw new TemplateError('raised', str(message as Value));
    }),
  ],
]);

/** The functions available to a chat template. */
export function globals(now: Date): Map<string, Value> {
  return new Map<string, Value>([
    ...always,
    [
      'strftime_now',
      new Callable('strftime_now', (args, keywords) => {
        const [format] = bind(signature('strftime_now', 'format'), args, keywords);
        return strftime(now, textArgument(format, `strftime() argument 1 (${typeName(format as Value)})`));
      }),
    ],
  ]);
}
