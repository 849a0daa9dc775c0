import { useState } from 'react';
import { useStudio } from '../../../store/index.ts';
import { shownRecipe } from '../../../store/steps.ts';
import { layerKindOf, layerKinds, layersOf, type LayerKind } from '../../../store/layerChoice.ts';
import { formatLayers } from '../../../store/recipeShape.ts';
import { NumberInput } from '../../controls/NumberInput.tsx';
import { SelectInput } from '../../controls/SelectInput.tsx';
import { fieldText, t } from '../../text/index.ts';

/** Selects the blocks that get an adapter: with presets if the number of blocks is known, or by number. */
export function LayersField({ disabled }: { disabled: boolean }) {
  const chosen = useStudio((state) => shownRecipe(state).layers);
  const invalid = useStudio((state) => state.recipe.invalid.layers);
  const layers = useStudio((state) => state.model.summary?.layers ?? null);
  const setFieldText = useStudio((state) => state.setFieldText);
  const setFieldValue = useStudio((state) => state.setFieldValue);
  const [typing, setTyping] = useState(false);
  const { label, help } = fieldText('layers');
  const { kind, count } = layerKindOf(chosen, layers ?? 0);
  const text = invalid ?? formatLayers(chosen);
  const byNumber = (
    <NumberInput
      label={layers === null ? label : t('layers.numbers')}
      {...(layers === null && { help })}
      text={text}
      problem={invalid === undefined ? null : t('recipe.badLayers')}
      disabled={disabled}
      onText={(typed) => setFieldText('layers', typed)}
    />
  );
  if (layers === null) return byNumber;
  const shown: LayerKind = typing || invalid !== undefined ? 'range' : kind;
  const choose = (next: LayerKind) => {
    setTyping(next === 'range');
    if (next !== 'range') setFieldValue('layers', layersOf(next, layers, count));
  };
  return (
    <div className="field layers">
      <SelectInput
        label={label}
        help={help}
        value={shown}
        disabled={disabled}
        options={layerKinds.map((value) => ({ value, label: t(`layers.${value}`) }))}
        onChange={choose}
      />
      {shown === 'last' && (
        <NumberInput
          label={t('layers.count')}
          text={String(count)}
          disabled={disabled}
          onText={(typed) => {
            const wanted = Number(typed);
            if (/^\d+$/.test(typed) && wanted > 0 && wanted <= layers) {
              setFieldValue('layers', layersOf('last', layers, wanted));
            }
          }}
        />
      )}
      {shown === 'range' && byNumber}
      <Strip layers={layers} chosen={chosen} />
    </div>
  );
}

/** The blocks of the model from first to last, filled if they get an adapter. */
function Strip({ layers, chosen }: { layers: number; chosen: 'all' | readonly number[] }) {
  const has = (layer: number) => chosen === 'all' || chosen.includes(layer);
  const count = chosen === 'all' ? layers : chosen.filter((layer) => layer < layers).length;
  return (
    <div className="layer-strip" role="img" aria-label={t('layers.strip', { count, layers })}>
      {Array.from({ length: layers }, (_, layer) => (
        <span key={layer} data-chosen={has(layer)} />
      ))}
    </div>
  );
}
