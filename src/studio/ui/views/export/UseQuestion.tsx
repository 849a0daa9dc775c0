import { Label, Radio, RadioGroup } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import { busyWith, isWholeModel } from '../../../store/state.ts';
import { choicesFor, kindsToExport, useTargets } from '../../../store/usage.ts';
import { t } from '../../text/index.ts';

/** “Where will you use it?”: the answer selects the files, and shows the commands. */
export function UseQuestion() {
  const { use, gguf } = useStudio((state) => state.exportChoices);
  const chooseExport = useStudio((state) => state.chooseExport);
  const isModel = useStudio(isWholeModel);
  const busy = useStudio((state) => busyWith(state) !== null);
  return (
    <RadioGroup
      className="use"
      value={use ?? ''}
      onChange={(value) =>
        chooseExport(choicesFor(useTargets.find((target) => target === value) ?? null, gguf))
      }
      isDisabled={busy}
    >
      <Label className="use__label">{t('use.question')}</Label>
      <div className="use__answers">
        {useTargets
          .filter((target) => kindsToExport(target, isModel).length > 0)
          .map((target) => (
            <Radio
              key={target}
              value={target}
              className="radio use__answer"
              aria-describedby={`use-${target}`}
            >
              <span className="radio__dot" aria-hidden="true" />
              <span className="radio__text">
                <span className="radio__name">{t(`use.${target}`)}</span>
                <span id={`use-${target}`} className="field__help">
                  {t(`use.${target}.help`)}
                </span>
              </span>
            </Radio>
          ))}
      </div>
    </RadioGroup>
  );
}
