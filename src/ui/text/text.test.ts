import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { recipeFields } from '../../config/recipe.ts';
import { en } from './en/index.ts';
import { errorText, hasText, t } from './index.ts';

const ui = new URL('../', import.meta.url);

function sources(): string {
  return readdirSync(ui, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !entry.parentPath.includes('/text'))
    .map((entry) => readFileSync(`${entry.parentPath}/${entry.name}`, 'utf8'))
    .join('\n');
}

describe('texts', () => {
  it('fills in parameters, numbers by the language, plurals by n', () => {
    expect(t('rail.data', { n: 1 })).toBe('1 row');
    expect(t('rail.data', { n: 12_345 })).toBe('12,345 rows');
    expect(t('model.reopen', { name: '$& {n}' })).toBe('Open $& {n} again');
  });

  it('gives an error as what happened and what to do', () => {
    const { what, next } = errorText('train.layer_out_of_range', { layer: 9, layers: 5 });
    expect(what).toBe('Layer 9 does not exist: the model has 5 layers, counted from 0.');
    expect(next).toContain('"layers"');
  });

  it('are all used', () => {
    const code = sources();
    const unused = Object.keys(en).filter((key) => {
      if (code.includes(`'${key}'`)) return false;
      // Keys made of a name: some beginning of the key stands in a template.
      const parts = key.split('.');
      return !parts.some((_, i) => i > 0 && code.includes(`\`${parts.slice(0, i).join('.')}.$`));
    });
    expect(unused).toEqual([]);
  });

  it('name every option of the recipe', () => {
    for (const { schema } of Object.values(recipeFields)) {
      if (schema.type !== 'picklist') continue;
      for (const option of schema.options) expect(hasText(`option.${option}`), option).toBe(true);
    }
  });
});
