import * as v from 'valibot';
import { recipeFields } from '../../../base/config/recipe.ts';
import { usageOf, type Command } from './command.ts';
import { optionGroups, optionName, type Option } from './options.ts';

/** Columns of text that help is wrapped to. */
const WIDTH = 100;

/** Every command with its summary. */
export function overview(commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }) => [name, summary] as const);
  return [
    'graft COMMAND [OPTIONS]',
    '',
    ...table(rows),
    '',
    'graft COMMAND --help lists the options of a command.',
  ].join('\n');
}

/** The help of a command: usage, summary, options in groups with their defaults, and the keys of a recipe. */
export function helpOf(command: Command): string {
  const options = Object.entries(command.options);
  const groups = optionGroups.flatMap((group) => {
    const members = options.filter(([, option]) => option.group === group);
    return members.length === 0 ? [] : ['', `${group}:`, ...table(members.map(optionRow))];
  });
  const usage = `graft ${usageOf(command)}`;
  return [
    ...wrap(usage, WIDTH, '    '),
    '',
    ...wrap(command.summary, WIDTH),
    ...groups,
    ...(command.takesRecipe ? recipeHelp() : []),
  ].join('\n');
}

function optionRow([key, { placeholder, help, required, defaultText }]: [string, Option<unknown>]) {
  const name = `--${optionName(key)}${placeholder === null ? '' : ` ${placeholder}`}`;
  const note = required ? ' (required)' : defaultText === null ? '' : ` (default: ${defaultText})`;
  return [name, help + note] as const;
}

/** Keys of a recipe file, by group, with what each must be and its default. */
function recipeHelp(): string[] {
  return (['main', 'advanced'] as const).flatMap((group) => {
    const fields = Object.entries(recipeFields).filter(([, field]) => field.group === group);
    const rows = fields.map(([key, field]) => {
      const rule = v.safeParse(field.schema as v.GenericSchema, Symbol()).issues?.[0].message ?? '';
      return [key, `${field.help} ${sentence(rule)} (default: ${JSON.stringify(field.default)})`] as const;
    });
    return ['', `Recipe keys, ${group}:`, ...table(rows)];
  });
}

function sentence(text: string): string {
  return text === '' ? '' : `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}

/** Two columns: names, and texts wrapped beside them. */
function table(rows: readonly (readonly [string, string])[]): string[] {
  const longest = rows.reduce((most, [name]) => Math.max(most, name.length), 0);
  const left = Math.min(longest, 30) + 4;
  return rows.flatMap(([name, text]) => {
    const lines = wrap(text, WIDTH - left);
    const head = `  ${name}`;
    // A name that is too long has a line for itself.
    const first = head.length + 2 > left ? [head] : [];
    return [
      ...first,
      ...lines.map((line, i) => `${(i === 0 && first.length === 0 ? head : '').padEnd(left)}${line}`),
    ];
  });
}

function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + 1 + word.length > width) lines.push(indent + word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}
