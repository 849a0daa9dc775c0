import { useEffect, useState } from 'react';
import { Button, Group, Input, Label, TextField, ToggleButton } from 'react-aria-components';
import { changedFields, presetOf, presets, type Preset } from '../../../../base/config/presets.ts';
import {
  defaultRecipe,
  grpoFields,
  preferenceFields,
  recipeFields,
  type Recipe,
  type RecipeKey,
} from '../../../../base/config/recipe.ts';
import { useStudio } from '../../../store/index.ts';
import { fieldShape } from '../../../store/recipeShape.ts';
import { shownRecipe } from '../../../store/steps.ts';
import { Fold } from '../../controls/Fold.tsx';
import { HelpPlace } from '../../controls/Help.tsx';
import { fieldText, t } from '../../text/index.ts';
import type { FieldText } from '../../text/texts.ts';
import { RecipeField } from './RecipeField.tsx';
import { isChinese, isFound, type SettingTexts } from './searchSettings.ts';

/** The settings in one list, with a search of all, what was changed, and help for the one at hand. */
export function AllSettings({ disabled }: { disabled: boolean }) {
  const changed = useStudio((state) => changedFields(shownRecipe(state)).length);
  return (
    <Fold
      title={t('settings.title')}
      note={changed > 0 ? t('recipe.changedTitle', { n: changed }) : t('recipe.unchanged')}
    >
      <Settings disabled={disabled} />
    </Fold>
  );
}

function Settings({ disabled }: { disabled: boolean }) {
  const [query, setQuery] = useState('');
  const [onlyChanged, setOnlyChanged] = useState(false);
  const [about, setAbout] = useState<FieldText | null>(null);
  const recipe = useStudio(shownRecipe);
  const invalid = useStudio((state) => state.recipe.invalid);
  const setFields = useStudio((state) => state.setFields);
  const languages = useLanguagesOf(query);
  const changed = new Set<RecipeKey>([...changedFields(recipe), ...(Object.keys(invalid) as RecipeKey[])]);
  const shown = listed.filter(
    (key) =>
      (!onlyChanged || changed.has(key)) &&
      (query !== '' || changed.has(key) || isRead(recipe.objective, key)) &&
      isFound(query, key, languages),
  );
  return (
    <div className="settings">
      <div className="settings__tools">
        <TextField className="field settings__search" type="search" value={query} onChange={setQuery}>
          <Label className="hidden">{t('settings.search')}</Label>
          <Input placeholder={t('settings.search')} autoComplete="off" spellCheck={false} />
        </TextField>
        <ToggleButton className="button" isSelected={onlyChanged} onChange={setOnlyChanged}>
          {t('settings.onlyChanged', { n: changed.size })}
        </ToggleButton>
        <Button
          className="button button--quiet"
          isDisabled={disabled || changed.size === 0}
          onPress={() => setFields(defaultRecipe())}
        >
          {t('recipe.resetAll')}
        </Button>
      </div>
      <Presets disabled={disabled} onLook={setAbout} />
      <p className="settings__about" aria-hidden="true">
        {about === null ? (
          t('settings.about')
        ) : (
          <>
            <strong>{about.label}</strong> {about.help}
          </>
        )}
      </p>
      <p className="hidden" role="status">
        {query !== '' && t('settings.found', { n: shown.length })}
      </p>
      {shown.length === 0 && (
        <p className="remark">{t(query === '' ? 'settings.noneChanged' : 'settings.noMatch')}</p>
      )}
      <HelpPlace value="description">
        {parts.map((part) => {
          const keys = shown.filter((key) => partOf(key) === part);
          if (keys.length === 0) return null;
          return (
            <section key={part} className="settings__part" aria-labelledby={`settings-${part}`}>
              <h4 id={`settings-${part}`}>{t(`recipe.part.${part}`)}</h4>
              <div className="fields">
                {keys.map((key) => (
                  <div
                    key={key}
                    className="settings__one"
                    data-wide={isWide(key)}
                    onFocus={() => setAbout(fieldText(key))}
                    onPointerEnter={() => setAbout(fieldText(key))}
                  >
                    <RecipeField field={key} disabled={disabled} />
                  </div>
                ))}
              </div>
            </section>
          );
        })}
      </HelpPlace>
    </div>
  );
}

/** Recipes to start from, by name. */
function Presets({ disabled, onLook }: { disabled: boolean; onLook: (text: FieldText) => void }) {
  const selected = useStudio((state) => presetOf(shownRecipe(state))?.id ?? null);
  const applyPreset = useStudio((state) => state.applyPreset);
  return (
    <Group className="presets" aria-labelledby="presets-title">
      <span id="presets-title">{t('recipe.presets')}</span>
      {presets.map(({ id }) => (
        <ToggleButton
          key={id}
          className="chip chip--words"
          isSelected={selected === id}
          isDisabled={disabled}
          aria-describedby={`preset-${id}-help`}
          onPress={() => applyPreset(id)}
          onFocus={() => onLook(textOf(id))}
          onHoverStart={() => onLook(textOf(id))}
        >
          {t(`recipe.preset.${id}`)}
          <span className="hidden" id={`preset-${id}-help`} aria-hidden="true">
            {t(`recipe.preset.${id}.help`)}
          </span>
        </ToggleButton>
      ))}
    </Group>
  );
}

function textOf(id: Preset['id']): FieldText {
  return { label: t(`recipe.preset.${id}`), help: t(`recipe.preset.${id}.help`) };
}

/** The texts that a query is looked for in: English always, Chinese too where it has such characters. */
function useLanguagesOf(query: string): SettingTexts[] {
  const [chinese, setChinese] = useState<SettingTexts | null>(null);
  const wanted = isChinese(query);
  useEffect(() => {
    if (!wanted) return;
    let current = true;
    // Offline they may be missing: then the English texts are searched.
    import('../../text/zh/fields.ts').then(
      ({ fieldTextsZh }) => current && setChinese(fieldTextsZh),
      () => undefined,
    );
    return () => void (current = false);
  }, [wanted]);
  return chinese ? [recipeFields, chinese] : [recipeFields];
}

/** Groups of settings in their order; those of no group go into the last. */
const groups = {
  main: [
    'method',
    'objective',
    'rank',
    'alpha',
    'lr',
    'epochs',
    'max_steps',
    'batch_size',
    'grad_accum',
    'max_length',
    'mask',
  ],
  preference: [
    'dpo_loss',
    'beta',
    'label_smoothing',
    'simpo_gamma',
    'cpo_alpha',
    'orpo_lambda',
    'desirable_weight',
    'undesirable_weight',
  ],
  grpo: grpoFields,
  data: [
    'train_thoughts',
    'train_tool_calls',
    'split_turns',
    'special_tokens_in_text',
    'preference_data',
    'template_args',
  ],
  adapter: [
    'targets',
    'layers',
    'dropout',
    'rslora',
    'dora',
    'init_lora_weights',
    'start_rank',
    'grow_steps',
    'modules_to_save',
  ],
  numbers: ['quant', 'double_quant', 'head', 'dtype', 'kept_inputs', 'optimizer', 'memory_budget'],
  steps: [
    'schedule',
    'warmup_steps',
    'weight_decay',
    'max_grad_norm',
    'spike_guard',
    'loraplus_lr_ratio',
    'beta1',
    'beta2',
    'eps',
  ],
  evaluation: ['eval_fraction', 'eval_steps', 'checkpoint_steps', 'load_best', 'patience', 'min_delta'],
  rows: ['packing', 'shuffle', 'neftune_noise_alpha', 'seed'],
} as const satisfies Record<string, readonly RecipeKey[]>;
type Part = keyof typeof groups;
const parts = Object.keys(groups) as Part[];

/** Whether training with an objective reads a setting of preference training or GRPO; the others are always read. */
function isRead(objective: Recipe['objective'], key: RecipeKey): boolean {
  const part = partOf(key);
  if (part === 'grpo') return objective === 'grpo';
  if (part !== 'preference') return true;
  const read: Partial<Record<Recipe['objective'], readonly RecipeKey[]>> = {
    ...preferenceFields,
    grpo: ['beta'],
  };
  return read[objective]?.includes(key) ?? false;
}

function partOf(key: RecipeKey): Part {
  return parts.find((part) => (groups[part] as readonly RecipeKey[]).includes(key)) ?? 'rows';
}

/** Every setting in the order of the list; a list of one option is nothing to choose from. */
const listed: readonly RecipeKey[] = [
  ...new Set([...Object.values(groups).flat(), ...(Object.keys(recipeFields) as RecipeKey[])]),
].filter((key) => {
  const shape = fieldShape(key);
  return shape.kind !== 'choice' || shape.options.length > 1;
});

function isWide(key: RecipeKey): boolean {
  const { kind } = fieldShape(key);
  return kind === 'targets' || kind === 'modules' || kind === 'json' || key === 'mask';
}
