import { Button } from 'react-aria-components';
import { busyWith, isWholeModel } from '../../store/state.ts';
import { mergeBase, mergeResults, shardSizes } from '../../store/exporting.ts';
import { useStudio } from '../../store/index.ts';
import { Icon } from '../controls/Icon.tsx';
import { SelectInput } from '../controls/SelectInput.tsx';
import { formatBytes } from '../format.ts';
import { t } from '../text/index.ts';
import { withSize } from './AdapterChoice.tsx';
import { MergeOnto } from './MergeOnto.tsx';

/** A complete model: onto which weights, stored how, in files of which size. */
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
      // The person closed the picker, or refused the folder: nothing was asked for, so nothing is said.
    }
  };
  return (
    <section className="choice">
      <h4>{t(isModel ? 'export.trained' : 'export.merged')}</h4>
      <p>{t(isModel ? 'export.trainedHelp' : 'export.mergedHelp')}</p>
      {base === 'choice' && <MergeOnto />}
      {quantized && <p>{t('export.onlyDequantized', { method: t(`model.quantized.${quantized}`) })}</p>}
      {!isModel && <ResultSelect disabled={busy} />}
      {result !== 'floats' && !isModel && <p>{t('export.nf4Help')}</p>}
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

function ResultSelect({ disabled }: { disabled: boolean }) {
  const result = useStudio((state) => state.exportChoices.result);
  const chooseExport = useStudio((state) => state.chooseExport);
  const sizes = useStudio((state) => state.exporting.sizes?.merged);
  const summary = useStudio((state) => state.model.summary);
  const dtypes = summary?.dtypes.join(', ') ?? '';
  const nameOf = (value: typeof result) => {
    if (value !== 'floats') return t(`export.result.${value}`);
    return summary?.quantized ? t('export.result.floatsDequantized') : t('export.result.floats', { dtypes });
  };
  return (
    <SelectInput
      label={t('export.result')}
      value={result}
      options={mergeResults.map((value) => ({ value, label: withSize(nameOf(value), sizes?.[value]) }))}
      onChange={(value) => chooseExport({ result: value })}
      disabled={disabled}
    />
  );
}
