import { describe, expect, it } from 'vitest';
import { recipeFields } from '../../../base/config/recipe.ts';
import { succeed } from '../../../testing/cli.ts';
import { commands } from './commands/index.ts';
import { helpOf, overview } from './help.ts';
import { optionName } from './options.ts';

/** A text without its line breaks and columns. */
const flat = (text: string) => text.replace(/\s+/g, ' ');

const tooLong = (text: string) => text.split('\n').filter((line) => line.length > 100);

describe('the overview', () => {
  it('is what graft, graft help and graft --help print', async () => {
    for (const args of [[], ['help'], ['--help']])
      expect(await succeed(args)).toBe(`${overview(commands)}\n`);
  });

  it('has every command with its summary', () => {
    const text = overview(commands);
    for (const { name, summary } of commands) expect(flat(text)).toContain(` ${name} ${summary}`);
    expect(tooLong(text)).toEqual([]);
  });
});

describe('the help of a command', () => {
  it('is printed by --help, whatever else is given', async () => {
    const train = commands.find(({ name }) => name === 'train')!;
    expect(await succeed(['train', '--help'])).toBe(`${helpOf(train)}\n`);
    expect(await succeed(['train', '--model', 'x', '--help'])).toBe(`${helpOf(train)}\n`);
  });

  it.each(commands)('has all options with their defaults, in lines of 100 columns: $name', (command) => {
    const text = helpOf(command);
    expect(tooLong(text)).toEqual([]);
    expect(text.startsWith(`graft ${command.name}`)).toBe(true);
    for (const [key, { placeholder, help, required, defaultText }] of Object.entries(command.options)) {
      const name = `--${optionName(key)}${placeholder === null ? '' : ` ${placeholder}`}`;
      const note = required ? ' (required)' : defaultText === null ? '' : ` (default: ${defaultText})`;
      expect(flat(text)).toContain(` ${name} ${help}${note}`);
    }
  });

  it.each(commands.filter(({ takesRecipe }) => takesRecipe))(
    'has every key of a recipe with its default: $name',
    (command) => {
      const text = flat(helpOf(command));
      const keys = Object.entries(recipeFields);
      let from = 0;
      for (const [key, { help, default: standard }] of keys.sort(byGroup)) {
        const at = text.indexOf(` ${key} ${help}`, from);
        expect(at, key).toBeGreaterThan(0);
        from = text.indexOf('(default: ', at);
        expect(text.slice(from).startsWith(`(default: ${JSON.stringify(standard)})`), key).toBe(true);
      }
    },
  );
});

/** The main keys first; otherwise as they are. */
function byGroup([, a]: [string, { group: string }], [, b]: [string, { group: string }]): number {
  return Number(a.group === 'advanced') - Number(b.group === 'advanced');
}
