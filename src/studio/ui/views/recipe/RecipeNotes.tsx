import { Button } from 'react-aria-components';
import { recipeNotes, type RecipeNote } from '../../../../base/config/recipeNotes.ts';
import type { Recipe, RecipeKey } from '../../../../base/config/recipe.ts';
import { useStudio } from '../../../store/index.ts';
import { shownRecipe } from '../../../store/steps.ts';
import { Icon } from '../../controls/Icon.tsx';
import { formatList, formatSmall } from '../../format.ts';
import { fieldText, t } from '../../text/index.ts';
import { settingText } from './recipeText.ts';
import { useRecipeFacts } from './useRecipeFacts.ts';

/** What is odd about the recipe, each with what would put it right. Nothing here stops a run. */
export function RecipeNotes({ disabled }: { disabled: boolean }) {
  const recipe = useStudio(shownRecipe);
  const notes = recipeNotes(recipe, useRecipeFacts());
  if (notes.length === 0) return null;
  return (
    <section className="recipe-notes" aria-label={t('note.title')}>
      <ul>
        {notes.map((note) => (
          <Note key={note.code} note={note} disabled={disabled} />
        ))}
      </ul>
    </section>
  );
}

/** Numbers that are counted; the others are shown as they are written in their fields. */
const counted = new Set(['n', 'rows', 'epochs', 'perStep', 'positions', 'longest', 'length']);

function Note({ note: { code, params, fix }, disabled }: { note: RecipeNote; disabled: boolean }) {
  const setFields = useStudio((state) => state.setFields);
  const shown = Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, counted.has(name) ? value : formatSmall(value)]),
  );
  return (
    <li className="recipe-note">
      <Icon name="info" size={16} />
      <span>{t(`note.${code}`, shown)}</span>
      {fix && (
        <Button className="button button--small" isDisabled={disabled} onPress={() => setFields(fix)}>
          {t('note.fix', { changes: changesText(fix) })}
        </Button>
      )}
    </li>
  );
}

function changesText(fix: Partial<Recipe>): string {
  const keys = Object.keys(fix) as RecipeKey[];
  return formatList(
    keys.map((key) => t('note.change', { field: fieldText(key).label, value: settingText(key, fix[key]) })),
  );
}
