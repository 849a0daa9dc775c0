import { Button } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import { busyWith } from '../../../store/state.ts';
import { Icon } from '../../controls/Icon.tsx';
import { SelectInput } from '../../controls/SelectInput.tsx';
import { formatBytes } from '../../format.ts';
import { t } from '../../text/index.ts';

const dtypes = ['F32', 'I8'] as const;
/** Those that others than Graft read. */
const commonDtypes = ['F32'] as const;

/** The adapter alone, in PEFT's format or in 8 bits. */
export function AdapterChoice() {
  const exportAdapter = useStudio((state) => state.exportAdapter);
  const dtype = useStudio((state) => state.exportChoices.adapterDtype);
  const use = useStudio((state) => state.exportChoices.use);
  const chooseExport = useStudio((state) => state.chooseExport);
  const sizes = useStudio((state) => state.exporting.sizes?.adapter);
  const busy = useStudio((state) => busyWith(state) !== null);
  return (
    <section className="choice">
      <h3>{t('export.adapter')}</h3>
      <p>{t('export.adapterHelp')}</p>
      <SelectInput
        label={t('export.adapterDtype')}
        value={dtype}
        options={(use === null ? dtypes : commonDtypes).map((value) => {
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

/** A choice with its size, once known. */
export function withSize(name: string, bytes: number | null | undefined): string {
  return bytes === null || bytes === undefined
    ? name
    : t('export.withSize', { name, size: formatBytes(bytes) });
}
