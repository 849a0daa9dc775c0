import { nested } from './budget.ts';
import { typeError } from './errors.ts';
import { Dict } from './dict.ts';
import { Instance, Tuple, Undefined, type Keywords, type Value } from './values.ts';
import { quote } from './write.ts';

export interface MacroShape {
  /** Null for the body of a call block. */
  name: string | null;
  parameters: readonly string[];
  catchesKeywords: boolean;
  catchesArgs: boolean;
  usesCaller: boolean;
}

/** A macro, or the caller of a call block. `run` gets undefined for omitted parameters. */
export class Macro extends Instance {
  readonly typeName = 'Macro';
  readonly #shape: MacroShape;
  readonly #run: (values: (Value | undefined)[]) => Value;

  constructor(shape: MacroShape, run: (values: (Value | undefined)[]) => Value) {
    super();
    this.#shape = shape;
    this.#run = run;
  }

  attribute(name: string): Value | undefined {
    const { parameters, catchesKeywords, catchesArgs, usesCaller } = this.#shape;
    const attributes: Record<string, Value> = {
      name: this.#shape.name,
      arguments: new Tuple(parameters),
      catch_kwargs: catchesKeywords,
      catch_varargs: catchesArgs,
      caller: usesCaller,
      explicit_caller: parameters.includes('caller'),
    };
    return Object.hasOwn(attributes, name) ? attributes[name] : undefined;
  }

  override call(args: readonly Value[], keywords: Keywords): Value {
    const { name, parameters, catchesKeywords, catchesArgs, usesCaller } = this.#shape;
    const rest = new Map(keywords);
    const take = (key: string): Value | undefined => {
      const value = rest.get(key);
      rest.delete(key);
      return value;
    };
    const values: (Value | undefined)[] = args.slice(0, parameters.length);
    let hasCaller = parameters.includes('caller') && values.length === parameters.length;
    for (const parameter of parameters.slice(values.length)) {
      if (parameter === 'caller') hasCaller = true;
      values.push(take(parameter));
    }
    if (usesCaller && !hasCaller) values.push(take('caller') ?? new Undefined('No caller defined'));
    if (catchesKeywords) values.push(Dict.of(rest));
    else if (rest.size > 0)
      throw typeError(
        `macro ${quote(name ?? 'anonymous')} takes no keyword argument ${quote([...rest.keys()][0] ?? '')}`,
      );
    if (catchesArgs) values.push(new Tuple(args.slice(parameters.length)));
    else if (args.length > parameters.length)
      throw typeError(
        `macro ${quote(name ?? 'anonymous')} takes not more than ${parameters.length} argument(s)`,
      );
    return nested(() => this.#run(values));
  }

  override text(): string {
    const { name } = this.#shape;
    return `<Macro ${name === null ? 'anonymous' : quote(name)}>`;
  }
}
