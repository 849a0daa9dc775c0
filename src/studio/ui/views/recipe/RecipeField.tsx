import { Button } from 'react-aria-components';
import { defaultRecipe, recipeFields, type Recipe, type RecipeKey } from '../../../../base/config/recipe.ts';
import { useStudio } from '../../../store/index.ts';
import { shownRecipe } from '../../../store/steps.ts';
import {
  fieldShape,
  formatJson,
  formatNumber,
  idleReason,
  type FieldShape,
} from '../../../store/recipeShape.ts';
import { CodeInput } from '../../controls/CodeInput.tsx';
import { Icon } from '../../controls/Icon.tsx';
import { NumberInput } from '../../controls/NumberInput.tsx';
import { SelectInput } from '../../controls/SelectInput.tsx';
import { SwitchInput } from '../../controls/SwitchInput.tsx';
import { formatCount } from '../../format.ts';
import { fieldText, hasText, t } from '../../text/index.ts';
import { AddReward } from './AddReward.tsx';
import { LayersField } from './LayersField.tsx';
import { SavedModulesField, TargetsField } from './ModulesField.tsx';
import { optionText, settingText, valueText } from './recipeText.ts';
import { RewardCode } from './RewardCode.tsx';
import { SplitField } from './SplitField.tsx';

const shapes = Object.fromEntries(
  (Object.keys(recipeFields) as RecipeKey[]).map((key) => [key, fieldShape(key)]),
) as Record<RecipeKey, FieldShape>;

/** The defaults of the recipe's objective. */
function useDefaults(): Recipe {
  const objective = useStudio((state) => shownRecipe(state).objective);
  return defaultRecipe(objective);
}

/** One setting of the recipe with its label, help, range and default. */
export function RecipeField({ field, disabled }: { field: RecipeKey; disabled: boolean }) {
  const value = useStudio((state) => shownRecipe(state)[field]);
  const invalid = useStudio((state) => state.recipe.invalid[field]);
  const quantized = useStudio((state) => state.model.summary?.quantized ?? null);
  const defaults = useDefaults();
  const idle = useStudio((state) => idleReason(field, shownRecipe(state), quantized !== null));
  const changed = JSON.stringify(value) !== JSON.stringify(defaults[field]) || invalid !== undefined;
  const method = quantized ? t(`model.quantized.${quantized}`) : '';
  return (
    <div className="recipe-field" data-changed={changed}>
      <Editor field={field} disabled={disabled || idle !== null} />
      {idle && <p className="recipe-field__idle">{t(`recipe.idle.${idle}`, { method })}</p>}
      <p className="recipe-field__meta">
        {rangeText(field) && <span>{rangeText(field)}</span>}
        {changed && !disabled ? <Reset field={field} /> : <span>{defaultText(field, defaults)}</span>}
      </p>
    </div>
  );
}

function Reset({ field }: { field: RecipeKey }) {
  const resetField = useStudio((state) => state.resetField);
  const defaults = useDefaults();
  const value = settingText(field, defaults[field]);
  return (
    <Button
      className="reset"
      aria-label={t('recipe.reset', { field: fieldText(field).label, value })}
      onPress={() => resetField(field)}
    >
      <Icon name="reset" size={12} />
      {defaultText(field, defaults)}
    </Button>
  );
}

function Editor({ field, disabled }: { field: RecipeKey; disabled: boolean }) {
  const value = useStudio((state) => shownRecipe(state)[field]);
  const invalid = useStudio((state) => state.recipe.invalid[field]);
  const setFieldText = useStudio((state) => state.setFieldText);
  const setFieldValue = useStudio((state) => state.setFieldValue);
  const { label, help } = fieldText(field);
  const shape = shapes[field];
  switch (shape.kind) {
    case 'switch':
      return (
        <SwitchInput
          label={label}
          help={help}
          selected={value === true}
          disabled={disabled}
          onChange={(selected) => setFieldValue(field, selected)}
        />
      );
    case 'choice':
      return (
        <SelectInput
          label={label}
          help={choiceHelp(String(value)) ?? help}
          value={String(value)}
          disabled={disabled || shape.options.length < 2}
          options={shape.options.map((option) => ({ value: option, label: optionText(option) }))}
          onChange={(option) => setFieldValue(field, option)}
        />
      );
    case 'targets':
      return <TargetsField disabled={disabled} />;
    case 'modules':
      return <SavedModulesField disabled={disabled} />;
    case 'split':
      return <SplitField disabled={disabled} />;
    case 'layers':
      return <LayersField disabled={disabled} />;
    case 'json':
      return (
        <>
          <CodeInput
            label={label}
            help={help}
            text={invalid ?? formatJson(value)}
            problem={
              invalid === undefined
                ? null
                : t('unit.sentences', {
                    first: t(field === 'rewards' ? 'rewards.badJson' : 'recipe.badJson'),
                    second: t('recipe.keptValue', { value: formatJson(value) }),
                  })
            }
            disabled={disabled}
            onText={(text) => setFieldText(field, text)}
          />
          {field === 'rewards' && <AddReward disabled={disabled} />}
          {field === 'rewards' && <RewardCode disabled={disabled} />}
        </>
      );
    case 'number':
      return (
        <NumberInput
          label={label}
          help={help}
          text={invalid ?? editText(field, value)}
          problem={invalid === undefined ? null : problemText(shape, settingText(field, value))}
          disabled={disabled}
          onText={(text) => setFieldText(field, text)}
          step={(direction) => steppedText(shape, value, direction)}
        />
      );
  }
}

/** Help for the selected option only, if options have their own texts: all of them would be a wall of text. */
function choiceHelp(option: string): string | null {
  const key = `optionHelp.${option}`;
  return hasText(key) ? t(key) : null;
}

/** A value as it is typed: bytes with their unit, 0 for no limit. */
function editText(field: RecipeKey, value: unknown): string {
  return field === 'memory_budget' && value !== 0 ? settingText(field, value) : valueText(value);
}

function defaultText(field: RecipeKey, defaults: Recipe): string {
  const value = settingText(field, defaults[field]);
  return t(shapes[field].kind === 'choice' ? 'recipe.defaultOption' : 'recipe.default', { value });
}

function rangeText(field: RecipeKey): string {
  const shape = shapes[field];
  if (field === 'memory_budget') return t('budget.written');
  if (shape.kind !== 'number') return '';
  return t('recipe.range', limitsOf(shape));
}

function problemText(shape: FieldShape, current: string): string {
  const still = t('recipe.keptValue', { value: current });
  if (shape.kind !== 'number') return still;
  return `${t(shape.integer ? 'recipe.outOfRangeInteger' : 'recipe.outOfRange', limitsOf(shape))} ${still}`;
}

function limitsOf({ min, max, integer }: Extract<FieldShape, { kind: 'number' }>) {
  const text = (limit: number) => (integer || limit >= 1000 ? formatCount(limit) : formatNumber(limit));
  return { min: text(min), max: text(max) };
}

function steppedText(shape: FieldShape, value: unknown, direction: 1 | -1): string | null {
  if (shape.kind !== 'number' || !shape.integer || typeof value !== 'number') return null;
  return String(Math.min(shape.max, Math.max(shape.min, value + direction)));
}
