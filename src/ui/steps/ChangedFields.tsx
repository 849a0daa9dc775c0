import { Button } from 'react-aria-components';
import { changedFields } from '../../config/presets.ts';
import { defaultRecipe } from '../../config/recipe.ts';
import { useStudio } from '../../store/index.ts';
import { isTraining } from '../../store/state.ts';
import { Icon } from '../controls/Icon.tsx';
import { fieldText, t } from '../text/index.ts';
import { valueText } from './recipeText.ts';

const defaults = defaultRecipe();

/** Every field that differs from the defaults, each with a way back. */
export function ChangedFields() {
  const draft = useStudio((state) => state.recipe.draft);
  const resetField = useStudio((state) => state.resetField);
  const setFields = useStudio((state) => state.setFields);
  const disabled = useStudio(isTraining);
  const changed = changedFields(draft);
  if (changed.length === 0) return null;
  return (
    <section className="changed-fields" aria-labelledby="changed-fields-title">
      <h3 id="changed-fields-title">{t('recipe.changedTitle', { n: changed.length })}</h3>
      <ul>
        {changed.map((key) => (
          <li key={key} className="changed-field">
            <span className="changed-field__name">{fieldText(key).label}</span>
            <span className="changed-field__value">{valueText(draft[key])}</span>
            <Button
              className="icon-button"
              isDisabled={disabled}
              aria-label={t('recipe.reset', {
                field: fieldText(key).label,
                value: valueText(defaults[key]),
              })}
              onPress={() => resetField(key)}
            >
              <Icon name="reset" size={14} />
            </Button>
          </li>
        ))}
        <li>
          <Button
            className="button button--small button--quiet"
            isDisabled={disabled}
            onPress={() => setFields(defaults)}
          >
            {t('recipe.resetAll')}
          </Button>
        </li>
      </ul>
    </section>
  );
}
