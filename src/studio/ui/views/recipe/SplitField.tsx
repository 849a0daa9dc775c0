import { useState } from 'react';
import { useStudio } from '../../../store/index.ts';
import { shownRecipe } from '../../../store/steps.ts';
import { formatNumber } from '../../../store/recipeShape.ts';
import { NumberInput } from '../../controls/NumberInput.tsx';
import { SelectInput } from '../../controls/SelectInput.tsx';
import { fieldText, t } from '../../text/index.ts';

const kinds = ['auto', 'none', 'fraction'] as const;
type Kind = (typeof kinds)[number];

/** A fraction to begin with. */
const FRACTION = 0.1;

/** How many rows are held out: as many as suit, none, or a fraction. */
export function SplitField({ disabled }: { disabled: boolean }) {
  const value = useStudio((state) => shownRecipe(state).eval_fraction);
  const invalid = useStudio((state) => state.recipe.invalid.eval_fraction);
  const setFieldText = useStudio((state) => state.setFieldText);
  const setFieldValue = useStudio((state) => state.setFieldValue);
  const [typing, setTyping] = useState(false);
  const { label, help } = fieldText('eval_fraction');
  const own: Kind = value === 'auto' ? 'auto' : value === 0 ? 'none' : 'fraction';
  const kind: Kind = invalid !== undefined || (typing && own === 'none') ? 'fraction' : own;
  const choose = (next: Kind) => {
    setTyping(next === 'fraction');
    setFieldValue('eval_fraction', next === 'auto' ? 'auto' : next === 'none' ? 0 : FRACTION);
  };
  return (
    <div className="field">
      <SelectInput
        label={label}
        help={help}
        value={kind}
        disabled={disabled}
        options={kinds.map((one) => ({ value: one, label: t(`split.${one}`) }))}
        onChange={choose}
      />
      {kind === 'fraction' && (
        <NumberInput
          label={t('split.value')}
          text={invalid ?? (value === 'auto' ? '' : formatNumber(value))}
          problem={invalid === undefined ? null : t('recipe.outOfRange', { min: '0', max: '0.5' })}
          disabled={disabled}
          onText={(text) => setFieldText('eval_fraction', text)}
        />
      )}
    </div>
  );
}
