import { Button } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import { busyWith } from '../../store/state.ts';
import { Icon } from '../controls/Icon.tsx';
import { SelectInput } from '../controls/SelectInput.tsx';
import { formatBytes } from '../format.ts';
import { t } from '../text/index.ts';

const dtypes = ['F32', 'I8'] as const;

/** The adapter alone, as PEFT stores it or in 8 bits. */
export function AdapterChoice() {
  const exportAdapter = useStudio((state) => state.exportAdapter);
  const dtype = useStudio((state) => state.exportChoices.adapterDtype);
  const chooseExport = useStudio((state) => state.chooseExport);
  const sizes = useStudio((state) => state.exporting.sizes?.adapter);
  const busy = useStudio((state) => busyWith(state) !== null);
  return (
    <section className="choice">
      <h4>{t('export.adapter')}</h4>
      <p>{t('export.adapterHelp')}</p>
      <SelectInput
        label={t('export.adapterDtype')}
        value={dtype}
        options={dtypes.map((value) => {
          const name = t(`export.adapterDtype.${value}`);
          return { value, label: withSize(name, sizes?.[value]) };
        })}
        onChange={(adapterDtype) => chooseExport({ adapterDtype })}
        disabled={busy}
      />
      <div className="choice__foot">
        <Button className="button" isDisabled={busy} onPress={() => void exportAdapter()}>
          <Icon name="download" />
          {t('export.downloadAdapter')}
        </Button>
      </div>
    </section>
  );
}

/** A choice with its size, once that is known. */
export function withSize(name: string, bytes: number | null | undefined): string {
  return bytes === null || bytes === undefined
    ? name
    : t('export.withSize', { name, size: formatBytes(bytes) });
}
