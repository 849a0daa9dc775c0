import { Button, Group, ToggleButton } from 'react-aria-components';
import { changedFields, presetOf, presets } from '../../config/presets.ts';
import { recipeFields, type RecipeGroup, type RecipeKey } from '../../config/recipe.ts';
import { useStudio } from '../../store/index.ts';
import { fieldShape } from '../../store/recipeShape.ts';
import { isTraining } from '../../store/state.ts';
import { FileButton } from '../controls/FileButton.tsx';
import { Fold } from '../controls/Fold.tsx';
import { Icon } from '../controls/Icon.tsx';
import { ErrorNotice } from '../controls/Notice.tsx';
import { downloadFile } from '../files.ts';
import { Step } from '../Step.tsx';
import { formatList } from '../format.ts';
import { fieldText, t } from '../text/index.ts';
import { ChangedFields } from './ChangedFields.tsx';
import { LrSearch } from './LrSearch.tsx';
import { MemoryPanel } from './MemoryPanel.tsx';
import { RecipeEstimate } from './RecipeEstimate.tsx';
import { RecipeProposal } from './RecipeProposal.tsx';
import { RecipeShare } from './RecipeShare.tsx';
import { RecipeField } from './RecipeField.tsx';

/** Step 3: how it is trained. */
export function RecipeStep() {
  const { draft, error } = useStudio((state) => state.recipe);
  const dismiss = useStudio((state) => state.dismissRecipeError);
  const disabled = useStudio(isTraining);
  const changed = changedFields(draft);
  const changedAdvanced = changed.filter((key) => recipeFields[key].group === 'advanced' && isChoice(key));
  return (
    <Step id="recipe" aside={<SaveAndLoad disabled={disabled} />}>
      <ErrorNotice error={error} onDismiss={dismiss} />
      <Presets disabled={disabled} />
      <ChangedFields />
      <Fields keys={keysOf('main')} disabled={disabled} />
      <Fold
        title={t('recipe.advanced')}
        note={
          changedAdvanced.length > 0
            ? t('recipe.changed', {
                fields: formatList(changedAdvanced.map((key) => fieldText(key).label)),
              })
            : t('recipe.unchanged')
        }
      >
        <AdvancedFields disabled={disabled} />
      </Fold>
      <RecipeEstimate />
      <LrSearchFold />
      <MemoryPanel />
      <RecipeShare />
      <RecipeProposal />
    </Step>
  );
}

/** Folded away: those who know their rate need no test. */
function LrSearchFold() {
  return (
    <Fold title={t('lrSearch.title')} note={t('lrSearch.note')}>
      <LrSearch />
    </Fold>
  );
}

function SaveAndLoad({ disabled }: { disabled: boolean }) {
  const draft = useStudio((state) => state.recipe.draft);
  const loadRecipe = useStudio((state) => state.loadRecipe);
  const save = () => {
    const text = `${JSON.stringify(draft, null, 2)}\n`;
    downloadFile(new Blob([text], { type: 'application/json' }), 'recipe.json');
  };
  return (
    <div className="row row--tight">
      <FileButton
        label={t('recipe.load')}
        icon="upload"
        accept=".json,application/json"
        kind="quiet"
        disabled={disabled}
        onFiles={([first]) => first && void loadRecipe(first.file)}
      />
      <Button className="button button--quiet" onPress={save}>
        <Icon name="download" />
        {t('recipe.save')}
      </Button>
    </div>
  );
}

function Presets({ disabled }: { disabled: boolean }) {
  const selected = useStudio((state) => presetOf(state.recipe.draft)?.id ?? null);
  const applyPreset = useStudio((state) => state.applyPreset);
  return (
    <Group className="presets" aria-label={t('recipe.presets')}>
      <p className="presets__head">
        <span>{t('recipe.presets')}</span>
        {selected === null && <span className="presets__custom">{t('recipe.custom')}</span>}
      </p>
      <div className="presets__list">
        {presets.map(({ id }) => (
          <div key={id} className="preset" data-selected={selected === id} data-disabled={disabled}>
            <ToggleButton
              className="preset__name"
              isSelected={selected === id}
              isDisabled={disabled}
              aria-describedby={`preset-${id}-help`}
              onPress={() => applyPreset(id)}
            >
              {t(`recipe.preset.${id}`)}
            </ToggleButton>
            <p className="preset__help" id={`preset-${id}-help`}>
              {t(`recipe.preset.${id}.help`)}
            </p>
          </div>
        ))}
      </div>
    </Group>
  );
}

/** Whether there is anything to choose here: a list of one is not worth a place, and the budget has its slider below. */
function isChoice(key: RecipeKey): boolean {
  if (key === 'memory_budget') return false;
  const shape = fieldShape(key);
  return shape.kind !== 'choice' || shape.options.length > 1;
}

/** What the advanced settings are about; those that no part names go to the last. */
const advancedParts = {
  data: [
    ...['train_thoughts', 'train_tool_calls', 'split_turns'],
    ...['special_tokens_in_text', 'preference_data', 'template_args'],
  ],
  adapter: ['targets', 'layers', 'dropout', 'rslora', 'start_rank', 'grow_steps', 'modules_to_save'],
  numbers: ['quant', 'double_quant', 'dtype', 'optimizer'],
  steps: [
    ...['schedule', 'warmup_steps', 'weight_decay', 'max_grad_norm', 'spike_guard'],
    ...['beta1', 'beta2', 'eps'],
  ],
  evaluation: ['eval_fraction', 'eval_steps', 'checkpoint_steps', 'load_best', 'patience', 'min_delta'],
  rows: ['packing', 'shuffle', 'seed'],
} as const satisfies Record<string, readonly string[]>;
type AdvancedPart = keyof typeof advancedParts;

function AdvancedFields({ disabled }: { disabled: boolean }) {
  const keys = keysOf('advanced');
  const partOf = (key: RecipeKey): AdvancedPart =>
    (Object.keys(advancedParts) as AdvancedPart[]).find((part) =>
      (advancedParts[part] as readonly string[]).includes(key),
    ) ?? 'rows';
  return (Object.keys(advancedParts) as AdvancedPart[]).map((part) => {
    const order: readonly string[] = advancedParts[part];
    const own = keys.filter((key) => partOf(key) === part);
    return (
      <section key={part} className="advanced" aria-labelledby={`advanced-${part}`}>
        <h4 id={`advanced-${part}`}>{t(`recipe.part.${part}`)}</h4>
        <Fields keys={own.toSorted((a, b) => order.indexOf(a) - order.indexOf(b))} disabled={disabled} />
      </section>
    );
  });
}

function keysOf(group: RecipeGroup): RecipeKey[] {
  return (Object.keys(recipeFields) as RecipeKey[]).filter(
    (key) => recipeFields[key].group === group && isChoice(key),
  );
}

function Fields({ keys, disabled }: { keys: readonly RecipeKey[]; disabled: boolean }) {
  return (
    <div className="fields">
      {keys.map((key) => (
        <RecipeField key={key} field={key} disabled={disabled} />
      ))}
    </div>
  );
}
