import { useState } from 'react';
import { Label, Slider, SliderThumb, SliderTrack, Text, TextArea, TextField } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import type { Sample } from '../../../store/state/run.ts';
import { isReadOnly, isTraining } from '../../../store/state.ts';
import { ChartModel } from '../../charts/chartModel.ts';
import { useChartCursor } from '../../charts/useChart.ts';
import { t } from '../../text/index.ts';

/** The prompts to answer at each checkpoint of the next run. */
export function SamplePrompts() {
  const prompts = useStudio((state) => state.samplePrompts);
  const setPrompts = useStudio((state) => state.setSamplePrompts);
  const disabled = useStudio((state) => isTraining(state) || isReadOnly(state));
  const usable = useStudio((state) => state.model.status === 'ready' && state.model.tokenizer !== 'none');
  if (!usable) return null;
  return (
    <TextField
      className="field field--wide"
      value={prompts.join('\n')}
      onChange={(text) => setPrompts(text === '' ? [] : text.split('\n'))}
      isDisabled={disabled}
    >
      <Label>{t('samples.label')}</Label>
      <TextArea rows={2} placeholder={t('samples.hint')} />
      <Text slot="description" className="field__help">
        {t('samples.help')}
      </Text>
    </TextField>
  );
}

/**
 * The model's answers: before training and after a step side by side. That step is the one that the charts point at, or
 * the one that is chosen here; without either the latest.
 * @param charts of the run that is shown; none for a stored one
 */
export function Samples({ samples, charts = noCharts }: { samples: readonly Sample[]; charts?: ChartModel }) {
  const cursor = useChartCursor(charts);
  const [chosen, setChosen] = useState<number | null>(null);
  const prompts = [...new Set(samples.map(({ prompt }) => prompt))];
  const steps = [...new Set(samples.map(({ step }) => step))].sort((a, b) => a - b);
  if (prompts.length === 0) return null;
  const last = steps.length - 1;
  const wanted = cursor ?? chosen ?? Infinity;
  const at = Math.max(
    0,
    steps.findLastIndex((step) => step <= wanted),
  );
  return (
    <div className="part samples">
      <div className="part__head">
        <h3>{t('samples.title')}</h3>
        <StepSlider
          steps={steps}
          at={at}
          onStep={(step) => {
            setChosen(step === steps[last] ? null : step);
            charts.point(step === 0 ? null : step);
          }}
        />
      </div>
      {prompts.map((prompt) => (
        <AnswersTo
          key={prompt}
          prompt={prompt}
          samples={samples.filter((one) => one.prompt === prompt)}
          upTo={steps[at]!}
        />
      ))}
    </div>
  );
}

/** Chooses one of some steps; nothing where there are only two, or fewer. */
export function StepSlider({
  steps,
  at,
  onStep,
}: {
  steps: readonly number[];
  /** The place of the chosen one. */
  at: number;
  onStep: (step: number) => void;
}) {
  const last = steps.length - 1;
  if (last < 2) return null;
  return (
    <Slider
      className="slider samples__steps"
      value={at}
      minValue={0}
      maxValue={last}
      step={1}
      onChange={(index) => onStep(steps[index]!)}
    >
      <Label>{t('samples.after')}</Label>
      <SliderTrack className="slider__track">
        <span className="slider__fill" style={{ width: `${(at / last) * 100}%` }} />
        <SliderThumb className="slider__thumb" />
      </SliderTrack>
      <output className="slider__value">{stepText(steps[at]!)}</output>
    </Slider>
  );
}

/** Nothing points at a step. */
const noCharts = new ChartModel();

function AnswersTo({ prompt, samples, upTo }: { prompt: string; samples: readonly Sample[]; upTo: number }) {
  const inOrder = samples.toSorted((a, b) => a.step - b.step);
  const first = inOrder[0];
  const shown = inOrder.findLast(({ step }) => step <= upTo) ?? first;
  if (!first || !shown) return null;
  return (
    <div className="samples__prompt">
      <p className="samples__question">{prompt}</p>
      <dl className="samples__answers">
        <AnswerAt sample={first} />
        {shown !== first && <AnswerAt sample={shown} />}
      </dl>
    </div>
  );
}

function AnswerAt({ sample: { step, text } }: { sample: Sample }) {
  return (
    <div>
      <dt>{stepText(step)}</dt>
      <dd>{text.trim() === '' ? t('samples.empty') : text}</dd>
    </div>
  );
}

/** A step in words; 0 is before the first. */
export function stepText(step: number): string {
  return step === 0 ? t('samples.before') : t('samples.step', { step });
}
