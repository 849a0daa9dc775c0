import { readOptions, optionName, type OptionTable, type Values } from './options.ts';

/** A command of `graft`. */
export interface Command {
  name: string;
  /** What it does, in a sentence or two: the second line of its help. */
  summary: string;
  options: OptionTable;
  /** An argument before the options, such as `hf:org/name[@revision]`; null where there is none. */
  argument: string | null;
  /** Whether its help lists the keys of a recipe. */
  takesRecipe: boolean;
  run(args: readonly string[]): Promise<void>;
}

/** Defines a command by its table of options: they are read, checked and documented from it. */
export function command<Table extends OptionTable>(
  name: string,
  summary: string,
  options: Table,
  run: (values: Values<Table>, usage: string) => Promise<void>,
): Command {
  const defined: Command = {
    name,
    summary,
    options,
    argument: null,
    takesRecipe: 'recipe' in options,
    run: async (args) => run(readOptions(args, options, usageOf(defined)), usageOf(defined)),
  };
  return defined;
}

/** A command in one line: what it must be given, and what it may. */
export function usageOf({ name, argument, options }: Pick<Command, 'name' | 'argument' | 'options'>): string {
  const written = Object.entries(options).map(([key, { placeholder, required }]) => {
    const text = `--${optionName(key)}${placeholder === null ? '' : ` ${placeholder}`}`;
    return { text: required ? text : `[${text}]`, required };
  });
  const all = [...written.filter((one) => one.required), ...written.filter((one) => !one.required)];
  return [name, ...(argument === null ? [] : [argument]), ...all.map(({ text }) => text)].join(' ');
}
