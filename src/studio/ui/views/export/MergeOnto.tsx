import { Button, Label, Radio, RadioGroup } from 'react-aria-components';
import type { ExportChoices } from '../../../store/state/exporting.ts';
import { useStudio } from '../../../store/index.ts';
import { busyWith } from '../../../store/state.ts';
import { ProgressLine } from '../../controls/ProgressLine.tsx';
import { formatLoss } from '../../format.ts';
import { t } from '../../text/index.ts';

const bases = ['original', 'dequantized'] as const;

/** The weights a QLoRA adapter is merged onto: what each choice means, and its loss once measured. */
export function MergeOnto() {
  const onto = useStudio((state) => state.exportChoices.onto);
  const chooseExport = useStudio((state) => state.chooseExport);
  const busy = useStudio((state) => busyWith(state) !== null);
  return (
    <div className="onto">
      <RadioGroup
        className="onto__choices"
        value={onto}
        onChange={(value) => chooseExport({ onto: value as ExportChoices['onto'] })}
        isDisabled={busy}
      >
        <Label className="field__label">{t('export.onto')}</Label>
        {bases.map((base) => (
          <Radio key={base} value={base} className="radio" aria-describedby={`onto-${base}-help`}>
            <span className="radio__dot" aria-hidden="true" />
            <span className="radio__text">
              <span className="radio__name">
                {t(`export.onto.${base}`)}
                <Loss base={base} />
              </span>
              <span id={`onto-${base}-help`} className="field__help">
                {t(`export.onto.${base}.help`)}
              </span>
            </span>
          </Radio>
        ))}
      </RadioGroup>
      <Measure />
    </div>
  );
}

function Loss({ base }: { base: (typeof bases)[number] }) {
  const losses = useStudio((state) => state.exporting.losses);
  const loss = losses?.[base] ?? null;
  if (!losses || loss === null) return null;
  const other = losses[base === 'original' ? 'dequantized' : 'original'];
  const better = other !== null && formatLoss(loss) !== formatLoss(other) && loss < other;
  return (
    <span className="radio__note" data-better={better}>
      {t('export.onto.loss', { loss: formatLoss(loss) })}
      {better && `, ${t('export.onto.better')}`}
    </span>
  );
}

function Measure() {
  const { measuring, losses } = useStudio((state) => state.exporting);
  const rows = useStudio((state) => state.run.evalRows);
  const measureMerges = useStudio((state) => state.measureMerges);
  const busy = useStudio((state) => busyWith(state) !== null);
  if (rows === 0) return <p className="remark">{t('export.measureNone')}</p>;
  if (measuring === 'merges') return <ProgressLine label={t('export.measuring')} progress={null} />;
  if (losses) return null;
  return (
    <div>
      <Button className="button button--small" isDisabled={busy} onPress={() => void measureMerges()}>
        {t('export.measure', { n: rows })}
      </Button>
    </div>
  );
}
