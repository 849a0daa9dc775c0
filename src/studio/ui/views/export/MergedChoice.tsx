import { Button } from 'react-aria-components';
import { busyWith, isWholeModel } from '../../../store/state.ts';
import { mergeBase } from '../../../store/exporting.ts';
import { mergeResults, shardSizes } from '../../../store/state/exporting.ts';
import { useStudio } from '../../../store/index.ts';
import { Icon } from '../../controls/Icon.tsx';
import { SelectInput } from '../../controls/SelectInput.tsx';
import { formatBytes } from '../../format.ts';
import { t } from '../../text/index.ts';
import { withSize } from './AdapterChoice.tsx';
import { DtypeComparison } from './DtypeComparison.tsx';
import { MergeOnto } from './MergeOnto.tsx';

/** Settings of a merged model: base weights, storage format, shard size. */
export function MergedChoice() {
  const merge = useStudio((state) => state.merge);
  const { result, shardSize } = useStudio((state) => state.exportChoices);
  const chooseExport = useStudio((state) => state.chooseExport);
  const quantized = useStudio((state) => state.model.summary?.quantized ?? null);
  const base = useStudio(mergeBase);
  const isModel = useStudio(isWholeModel);
  const busy = useStudio((state) => busyWith(state) !== null);
  const saveToFolder = async () => {
    try {
      const handle = await window.showDirectoryPicker?.({ mode: 'readwrite' });
      if (handle) await merge({ kind: 'directory', handle });
    } catch {
      // The user closed the picker, or declined the folder: no error to show.
    }
  };
  return (
    <section className="choice">
      <h3>{t(isModel ? 'export.trained' : 'export.merged')}</h3>
      <p>{t(isModel ? 'export.trainedHelp' : 'export.mergedHelp')}</p>
      {base === 'choice' && <MergeOnto />}
      {quantized && <p>{t('export.onlyDequantized', { method: t(`model.quantized.${quantized}`) })}</p>}
      <ResultSelect disabled={busy} isModel={isModel} />
      <DtypeComparison />
      {result.startsWith('nf4') && !isModel && <p>{t('export.nf4Help')}</p>}
      <SelectInput
        label={t('export.shardSize')}
        value={shardSize}
        options={shardSizes.map((size) => ({
          value: size,
          label: formatBytes(Number.parseInt(size, 10) * 1e6),
        }))}
        onChange={(size) => chooseExport({ shardSize: size })}
        disabled={busy}
      />
      <div className="choice__foot">
        <Button
          className="button button--primary"
          isDisabled={busy}
          onPress={() => void merge({ kind: 'zip' })}
        >
          <Icon name="download" />
          {t(isModel ? 'export.downloadTrained' : 'export.downloadMerged')}
        </Button>
        {'showDirectoryPicker' in window && (
          <Button className="button" isDisabled={busy} onPress={() => void saveToFolder()}>
            {t('export.saveFolder')}
          </Button>
        )}
      </div>
    </section>
  );
}

function ResultSelect({ disabled, isModel }: { disabled: boolean; isModel: boolean }) {
  const result = useStudio((state) => state.exportChoices.result);
  const chooseExport = useStudio((state) => state.chooseExport);
  const sizes = useStudio((state) => state.exporting.sizes?.merged);
  const summary = useStudio((state) => state.model.summary);
  const dtypes = summary?.dtypes.join(', ') ?? '';
  const nameOf = (value: typeof result) => {
    if (value !== 'floats') return t(`export.result.${value}`);
    return summary?.quantized ? t('export.result.floatsDequantized') : t('export.result.floats', { dtypes });
  };
  // A model of which every parameter was trained is written in floats.
  const values = isModel ? mergeResults.filter((value) => !value.startsWith('nf4')) : mergeResults;
  return (
    <SelectInput
      label={t('export.result')}
      value={values.includes(result) ? result : 'floats'}
      options={values.map((value) => ({ value, label: withSize(nameOf(value), sizes?.[value]) }))}
      onChange={(value) => chooseExport({ result: value })}
      disabled={disabled}
    />
  );
}
