import { useState } from 'react';
import {
  Label,
  Slider,
  SliderOutput,
  SliderThumb,
  SliderTrack,
  TextArea,
  TextField,
} from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import { hasAdapterSide } from '../../../store/sides.ts';
import { isWholeModel } from '../../../store/state.ts';
import { formatNumber } from '../../../store/recipeShape.ts';
import type { TryRequest } from '../../../store/state/tryout.ts';
import { NumberInput } from '../../controls/NumberInput.tsx';
import { SwitchInput } from '../../controls/SwitchInput.tsx';
import { t } from '../../text/index.ts';

/** Adapter strength, from off to beyond the trained strength. */
export function StrengthSlider() {
  const strength = useStudio((state) => state.tryout.request.adapterStrength);
  const idle = useStudio((state) => state.tryout.status === 'idle');
  const setRequest = useStudio((state) => state.setRequest);
  const shown = useStudio((state) => hasAdapterSide(state) && !isWholeModel(state));
  if (!shown) return null;
  return (
    <Slider
      className="slider"
      value={strength}
      onChange={(adapterStrength) => setRequest({ adapterStrength })}
      minValue={0}
      maxValue={1.5}
      step={0.05}
      formatOptions={{ minimumFractionDigits: 2 }}
      isDisabled={!idle}
    >
      <Label>{t('try.strength')}</Label>
      <SliderOutput className="slider__value" />
      <SliderTrack className="slider__track">
        <span className="slider__fill" style={{ width: `${(strength / 1.5) * 100}%` }} />
        <span className="slider__one" />
        <SliderThumb className="slider__thumb" />
      </SliderTrack>
    </Slider>
  );
}

type NumberKey = 'temperature' | 'topK' | 'topP' | 'repetitionPenalty' | 'maxNewTokens' | 'seed';

const ranges: Record<NumberKey, { min: number; max: number; integer: boolean }> = {
  temperature: { min: 0, max: 5, integer: false },
  topP: { min: 0.01, max: 1, integer: false },
  topK: { min: 0, max: 100_000, integer: true },
  repetitionPenalty: { min: 0.1, max: 10, integer: false },
  maxNewTokens: { min: 1, max: 32_768, integer: true },
  seed: { min: 0, max: 0xffffffff, integer: true },
};

/** What stands above every conversation. */
export function SystemMessage() {
  const { system, continueText } = useStudio((state) => state.tryout.request);
  const setRequest = useStudio((state) => state.setRequest);
  return (
    <TextField
      className="field field--wide"
      isDisabled={continueText}
      value={system}
      onChange={(value) => setRequest({ system: value })}
    >
      <Label>{t('try.system')}</Label>
      <TextArea rows={1} placeholder={t('try.systemHint')} />
    </TextField>
  );
}

/** Temperature and the like. */
export function SamplingSettings() {
  const { continueText } = useStudio((state) => state.tryout.request);
  const setRequest = useStudio((state) => state.setRequest);
  return (
    <div className="fields">
      {(Object.keys(ranges) as NumberKey[]).map((key) => (
        <DrawNumber key={key} name={key} />
      ))}
      <SwitchInput
        label={t('try.continueText')}
        help={t('try.continueTextHelp')}
        selected={continueText}
        onChange={(selected) => setRequest({ continueText: selected })}
      />
    </div>
  );
}

function DrawNumber({ name }: { name: NumberKey }) {
  const value = useStudio((state) => state.tryout.request[name]);
  const setRequest = useStudio((state) => state.setRequest);
  const [problem, setProblem] = useState<string | null>(null);
  const { min, max, integer } = ranges[name];
  const onText = (text: string) => {
    const number = text.trim() === '' ? NaN : Number(text.trim().replace(',', '.'));
    const usable = number >= min && number <= max && (!integer || Number.isInteger(number));
    const limits = { min: formatNumber(min), max: formatNumber(max) };
    setProblem(usable ? null : t(integer ? 'recipe.outOfRangeInteger' : 'recipe.outOfRange', limits));
    if (usable) setRequest({ [name]: number } satisfies Partial<TryRequest>);
  };
  return (
    <NumberInput
      label={t(`try.${name}`)}
      help={t(`try.${name}Help`)}
      text={formatNumber(value)}
      problem={problem}
      onText={onText}
    />
  );
}
