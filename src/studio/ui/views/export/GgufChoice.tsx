import { Button } from 'react-aria-components';
import { busyWith, isWholeModel } from '../../../store/state.ts';
import { ggufTypes } from '../../../store/state/exporting.ts';
import { useStudio } from '../../../store/index.ts';
import type { GgufTarget } from '../../../../hosts/browser/protocol.ts';
import { mergeBase } from '../../../store/exporting.ts';
import { ErrorNotice } from '../../controls/Notice.tsx';
import { Icon } from '../../controls/Icon.tsx';
import { SelectInput } from '../../controls/SelectInput.tsx';
import { t } from '../../text/index.ts';
import { withSize } from './AdapterChoice.tsx';
import { MergeOnto } from './MergeOnto.tsx';

/** Tensors by type, such as “24 × Q5_0, 5 × Q8_0”. */
export function typesText(types: Readonly<Record<string, number>>): string {
  return Object.entries(types)
    .map(([type, count]) => `${count} × ${type}`)
    .join(', ');
}

/** The model as GGUF: its content and type, what that will be, and the download. */
export function GgufChoice({ use }: { use: GgufTarget | null }) {
  const exportGguf = useStudio((state) => state.exportGguf);
  const chooseExport = useStudio((state) => state.chooseExport);
  const { form, type } = useStudio((state) => state.exportChoices.gguf);
  const forecasts = useStudio((state) => state.exporting.ggufForecasts);
  const base = useStudio(mergeBase);
  const isModel = useStudio(isWholeModel);
  const busy = useStudio((state) => busyWith(state) !== null);
  const isRefused = forecasts !== null && 'error' in forecasts;
  const known = isRefused ? null : forecasts;
  const forecast = form === 'lora' ? null : (known?.[type] ?? null);
  const forms = formsFor(use, isModel);
  const saveToFolder = async () => {
    try {
      const handle = await window.showDirectoryPicker?.({ mode: 'readwrite' });
      if (handle) await exportGguf(handle);
    } catch {
      // The user closed the picker, or declined the folder: no error to show.
    }
  };
  return (
    <section className="choice">
      <h3>{t('gguf.title')}</h3>
      <p>{t(`gguf.help.${form}`)}</p>
      {forms.length > 1 && (
        <SelectInput
          label={t('gguf.form')}
          value={form}
          options={forms.map((value) => ({ value, label: t(`gguf.form.${value}`) }))}
          onChange={(value) => chooseExport({ gguf: { form: value, type } })}
          disabled={busy}
        />
      )}
      {form !== 'lora' && (
        <>
          {base === 'choice' && use !== null && <MergeOnto />}
          <SelectInput
            label={t('gguf.type')}
            value={type}
            options={ggufTypes.map((value) => ({
              value,
              label: withSize(t(`gguf.type.${value}`), known?.[value].bytes),
            }))}
            onChange={(value) => chooseExport({ gguf: { form, type: value } })}
            disabled={busy}
          />
        </>
      )}
      {forecast !== null && forecast.fallbacks > 0 && (
        <p>
          {t('gguf.fallbacks', {
            n: forecast.fallbacks,
            type: type.toUpperCase(),
            types: typesText(forecast.types),
          })}
        </p>
      )}
      {isRefused && <ErrorNotice error={forecasts.error} />}
      <div className="choice__foot">
        <Button
          className="button button--primary"
          isDisabled={busy || isRefused}
          onPress={() => void exportGguf(null)}
        >
          <Icon name="download" />
          {t(`gguf.download.${form}`)}
        </Button>
        {'showDirectoryPicker' in window && (
          <Button className="button" isDisabled={busy || isRefused} onPress={() => void saveToFolder()}>
            {t(form === 'chat' ? 'gguf.saveFolderChat' : 'gguf.saveFolder')}
          </Button>
        )}
      </div>
    </section>
  );
}

/** What there is to choose from, where something takes more than one form. */
function formsFor(use: GgufTarget | null, isModel: boolean) {
  if (use === 'ollama' || use === 'chat') return [use] as const;
  if (use === 'lmstudio') return ['file'] as const;
  const own = isModel ? (['file'] as const) : (['file', 'lora'] as const);
  return use === null ? ([...own, 'ollama', 'chat'] as const) : own;
}
