import { Button, Input, Label, TextField } from 'react-aria-components';
import { sweptKeys } from '../../../../base/config/sweepAxes.ts';
import { useStudio } from '../../../store/index.ts';
import type { SweepAxis } from '../../../store/state/sweep.ts';
import { plannedRuns } from '../../../store/sweep.ts';
import { busyWith } from '../../../store/state.ts';
import { blockReason } from '../../../store/steps.ts';
import { SelectInput } from '../../controls/SelectInput.tsx';
import { SwitchInput } from '../../controls/SwitchInput.tsx';
import { fieldText, t } from '../../text/index.ts';

/** What the next sweep varies, and its start. */
export function SweepSetup() {
  const axes = useStudio((state) => state.sweep.axes);
  const halving = useStudio((state) => state.sweep.halving);
  const runs = useStudio(plannedRuns);
  const reason = useStudio((state) => blockReason(state, 'train'));
  const heldOut = useStudio((state) => state.dataset.tokenized?.evalRows ?? 0);
  const busy = useStudio((state) => busyWith(state) !== null);
  const add = useStudio((state) => state.addAxis);
  const setHalving = useStudio((state) => state.setHalving);
  const start = useStudio((state) => state.startSweep);
  return (
    <div className="sweep__setup">
      <p className="remark">{t('sweep.help')}</p>
      {axes.map((axis, at) => (
        <Axis key={axis.key} axis={axis} at={at} taken={axes.map(({ key }) => key)} disabled={busy} />
      ))}
      <SwitchInput
        label={t('sweep.halving')}
        help={t('sweep.halvingHelp')}
        selected={halving}
        disabled={busy}
        onChange={setHalving}
      />
      <div className="row row--tight">
        <Button
          className="button button--primary"
          isDisabled={busy || reason !== null || heldOut === 0 || runs < 2}
          onPress={() => void start()}
        >
          {t('sweep.start', { n: runs })}
        </Button>
        <Button className="button button--quiet" isDisabled={busy} onPress={add}>
          {t('sweep.add')}
        </Button>
        {reason !== null ? (
          <span className="remark">{t(`block.${reason}`)}</span>
        ) : (
          heldOut === 0 && <span className="remark">{t('sweep.noHeldOut')}</span>
        )}
      </div>
    </div>
  );
}

interface AxisProps {
  axis: SweepAxis;
  at: number;
  /** The settings of all axes: each is varied once. */
  taken: readonly SweepAxis['key'][];
  disabled: boolean;
}

function Axis({ axis, at, taken, disabled }: AxisProps) {
  const change = useStudio((state) => state.setAxis);
  const remove = useStudio((state) => state.removeAxis);
  const options = sweptKeys
    .filter((key) => key === axis.key || !taken.includes(key))
    .map((value) => ({ value, label: fieldText(value).label }));
  const [setting, values] =
    taken.length === 1
      ? [t('sweep.setting'), t('sweep.values')]
      : [t('sweep.settingNumber', { n: at + 1 }), t('sweep.valuesNumber', { n: at + 1 })];
  return (
    <div className="sweep__axis">
      <SelectInput
        label={setting}
        value={axis.key}
        options={options}
        disabled={disabled}
        onChange={(key) => change(at, { key, values: '' })}
      />
      <TextField
        className="field"
        value={axis.values}
        isDisabled={disabled}
        onChange={(text) => change(at, { values: text })}
      >
        <Label>{values}</Label>
        <Input autoComplete="off" spellCheck={false} />
      </TextField>
      {taken.length > 1 && (
        <Button
          className="button button--small button--quiet"
          isDisabled={disabled}
          aria-label={t('sweep.removeName', { name: fieldText(axis.key).label })}
          onPress={() => remove(at)}
        >
          {t('sweep.remove')}
        </Button>
      )}
    </div>
  );
}
