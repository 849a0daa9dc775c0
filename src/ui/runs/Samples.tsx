import { Label, Text, TextArea, TextField } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import type { Sample } from '../../store/run.ts';
import { isTraining } from '../../store/state.ts';
import { Fold } from '../controls/Fold.tsx';
import { t } from '../text/index.ts';

/** The prompts that are answered at each checkpoint of the next run. */
export function SamplePrompts() {
  const prompts = useStudio((state) => state.samplePrompts);
  const setPrompts = useStudio((state) => state.setSamplePrompts);
  const disabled = useStudio(isTraining);
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

/** What the model answered: before and now beside each other, as when it is tried; what was between, folded away. */
export function Samples({ samples }: { samples: readonly Sample[] }) {
  const prompts = [...new Set(samples.map(({ prompt }) => prompt))];
  if (prompts.length === 0) return null;
  return (
    <div className="part samples">
      <h3>{t('samples.title')}</h3>
      {prompts.map((prompt) => (
        <AnswersTo key={prompt} prompt={prompt} samples={samples.filter((one) => one.prompt === prompt)} />
      ))}
    </div>
  );
}

function AnswersTo({ prompt, samples }: { prompt: string; samples: readonly Sample[] }) {
  const [latest, ...earlier] = samples.toSorted((a, b) => b.step - a.step);
  if (!latest) return null;
  const first = earlier.at(-1);
  const between = earlier.slice(0, -1);
  return (
    <div className="samples__prompt">
      <p className="samples__question">{prompt}</p>
      <dl className="samples__answers">
        {first && <AnswerAt sample={first} />}
        <AnswerAt sample={latest} />
      </dl>
      {between.length > 0 && (
        <Fold title={t('samples.older')}>
          <dl className="samples__answers">
            {between.map((sample) => (
              <AnswerAt key={sample.step} sample={sample} />
            ))}
          </dl>
        </Fold>
      )}
    </div>
  );
}

function AnswerAt({ sample: { step, text } }: { sample: Sample }) {
  return (
    <div>
      <dt>{step === 0 ? t('samples.before') : t('samples.step', { step })}</dt>
      <dd>{text.trim() === '' ? t('samples.empty') : text}</dd>
    </div>
  );
}
