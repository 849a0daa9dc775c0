import { useId, useState } from 'react';
import { Group, ToggleButton } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import { shownRecipe } from '../../../store/steps.ts';
import { modulesOf, moduleParts, type ModulePart } from '../../../store/moduleParts.ts';
import { Help } from '../../controls/Help.tsx';
import { SelectInput } from '../../controls/SelectInput.tsx';
import { fieldText, t } from '../../text/index.ts';

/** Names of linear layers in most decoders, until a model is open. */
const usualModules = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'];
/** Names of embedding and head in most decoders. */
const usualSavable = ['embed_tokens', 'lm_head'];

type TargetsKind = 'all' | ModulePart | 'names';

/** The layers that get an adapter: all, those of some parts of each block, or those chosen by name. */
export function TargetsField({ disabled }: { disabled: boolean }) {
  const targets = useStudio((state) => shownRecipe(state).targets);
  const modules = useStudio((state) => state.model.summary?.linearModules) ?? usualModules;
  const head = useStudio((state) => state.model.summary?.headModule) ?? 'lm_head';
  const setFieldValue = useStudio((state) => state.setFieldValue);
  const { label, help } = fieldText('targets');
  const [byName, setByName] = useState(false);
  const all = targets === 'all-linear';
  const chosen = all ? modules : targets;
  const names = [...new Set([...modules, head, ...chosen])];
  const of = (part: ModulePart) => modulesOf(part, modules);
  const kinds = moduleParts.filter((part) => of(part).length > 0);
  const kind: TargetsKind = byName
    ? 'names'
    : all
      ? 'all'
      : (kinds.find((part) => [...of(part)].sort().join() === [...chosen].sort().join()) ?? 'names');
  const choose = (next: TargetsKind) => {
    setByName(next === 'names');
    if (next === 'all') setFieldValue('targets', 'all-linear');
    else if (next !== 'names') setFieldValue('targets', of(next));
  };
  return (
    <div className="field">
      <SelectInput
        label={label}
        help={help}
        value={kind}
        disabled={disabled}
        options={(['all', ...kinds, 'names'] as TargetsKind[]).map((value) => ({
          value,
          label: t(`targets.${value}`),
        }))}
        onChange={choose}
      />
      {kind !== 'all' && (
        <Chips
          label={t('targets.names')}
          names={names}
          chosen={chosen}
          disabled={disabled}
          onChange={(next) => {
            // An adapter needs at least one layer: the last one stays.
            if (next.length > 0) setFieldValue('targets', next);
          }}
        />
      )}
    </div>
  );
}

/** The modules that are trained in full beside the adapter, by name; usually none. */
export function SavedModulesField({ disabled }: { disabled: boolean }) {
  const saved = useStudio((state) => shownRecipe(state).modules_to_save);
  const savable = useStudio((state) => state.model.summary?.savableModules) ?? usualSavable;
  const setFieldValue = useStudio((state) => state.setFieldValue);
  const { label, help } = fieldText('modules_to_save');
  const names = [...new Set([...savable, ...saved])];
  const helpId = useId();
  return (
    <div className="field">
      <span className="field__label">{label}</span>
      <Chips
        label={label}
        describedBy={helpId}
        names={names}
        chosen={saved}
        disabled={disabled}
        onChange={(chosen) => setFieldValue('modules_to_save', chosen)}
      />
      <Help label={label} text={help} id={helpId} />
    </div>
  );
}

interface ChipsProps {
  label: string;
  describedBy?: string;
  names: readonly string[];
  chosen: readonly string[];
  disabled: boolean;
  onChange: (chosen: string[]) => void;
}

function Chips({ label, describedBy, names, chosen, disabled, onChange }: ChipsProps) {
  const toggle = (name: string, selected: boolean) =>
    onChange(names.filter((other) => (other === name ? selected : chosen.includes(other))));
  return (
    <Group className="chips" aria-label={label} aria-describedby={describedBy}>
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
