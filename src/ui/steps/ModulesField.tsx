import { Group, ToggleButton } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import { SwitchInput } from '../controls/SwitchInput.tsx';
import { fieldText, t } from '../text/index.ts';

/** Names of linear layers most decoders have, until a model is open. */
const usualModules = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'];
/** Names of embedding and head in most decoders. */
const usualSavable = ['embed_tokens', 'lm_head'];

/** The layers that get an adapter: all, or those whose names are chosen. */
export function TargetsField({ disabled }: { disabled: boolean }) {
  const targets = useStudio((state) => state.recipe.draft.targets);
  const modules = useStudio((state) => state.model.summary?.linearModules) ?? usualModules;
  const setFieldValue = useStudio((state) => state.setFieldValue);
  const { label, help } = fieldText('targets');
  const all = targets === 'all-linear';
  const names = [...new Set([...modules, ...(all ? [] : targets)])];
  const choose = (chosen: string[]) => {
    // An adapter on nothing is no adapter: the last one stays.
    if (chosen.length > 0) setFieldValue('targets', chosen);
  };
  return (
    <div className="field">
      <span className="field__label">{label}</span>
      <SwitchInput
        label={t('recipe.allLinear')}
        selected={all}
        disabled={disabled}
        onChange={(selected) => setFieldValue('targets', selected ? 'all-linear' : [...modules])}
      />
      {!all && <Chips label={label} names={names} chosen={targets} disabled={disabled} onChange={choose} />}
      <span className="field__help">{help}</span>
    </div>
  );
}

/** The modules that are trained in full beside the adapter, by name; usually none. */
export function SavedModulesField({ disabled }: { disabled: boolean }) {
  const saved = useStudio((state) => state.recipe.draft.modules_to_save);
  const savable = useStudio((state) => state.model.summary?.savableModules) ?? usualSavable;
  const setFieldValue = useStudio((state) => state.setFieldValue);
  const { label, help } = fieldText('modules_to_save');
  const names = [...new Set([...savable, ...saved])];
  return (
    <div className="field">
      <span className="field__label">{label}</span>
      <Chips
        label={label}
        names={names}
        chosen={saved}
        disabled={disabled}
        onChange={(chosen) => setFieldValue('modules_to_save', chosen)}
      />
      <span className="field__help">{help}</span>
    </div>
  );
}

interface ChipsProps {
  label: string;
  names: readonly string[];
  chosen: readonly string[];
  disabled: boolean;
  onChange: (chosen: string[]) => void;
}

function Chips({ label, names, chosen, disabled, onChange }: ChipsProps) {
  const toggle = (name: string, selected: boolean) =>
    onChange(names.filter((other) => (other === name ? selected : chosen.includes(other))));
  return (
    <Group className="chips" aria-label={label}>
      {names.map((name) => (
        <ToggleButton
          key={name}
          className="chip"
          isSelected={chosen.includes(name)}
          isDisabled={disabled}
          onChange={(selected) => toggle(name, selected)}
        >
          {name}
        </ToggleButton>
      ))}
    </Group>
  );
}
