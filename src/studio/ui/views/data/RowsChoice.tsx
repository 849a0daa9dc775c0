import { Button } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import type { DataSource } from '../../../../hosts/browser/dataProtocol.ts';
import { SelectInput } from '../../controls/SelectInput.tsx';
import { t } from '../../text/index.ts';

/** More lists than this are chosen from a menu. */
const MAX_BUTTONS = 5;
const NONE = '';

/** Lists that may be the rows of a file that could not be read without a choice. */
export function UnclearRows({ disabled }: { disabled: boolean }) {
  const unclear = useStudio((state) => state.dataset.unclear);
  return unclear && <RowsChoice {...unclear} disabled={disabled} />;
}

/** Lists of the open file that were not read. */
export function OtherRows({ fields, disabled }: { fields: readonly string[]; disabled: boolean }) {
  const source = useStudio((state) => state.dataset.source);
  const { added, edited, excluded } = useStudio((state) => state.dataset.changes);
  if (!source) return null;
  return (
    <>
      <div className="row row--tight">
        <RowsChoice source={source} fields={fields} disabled={disabled} />
      </div>
      {added + edited + excluded > 0 && <p className="remark">{t('data.readListKeeps')}</p>}
    </>
  );
}

interface RowsChoiceProps {
  source: DataSource;
  /** Paths of lists, such as `data.train`. */
  fields: readonly string[];
  disabled: boolean;
}

/** Reopens a file with another of its lists as the rows. */
function RowsChoice({ source, fields, disabled }: RowsChoiceProps) {
  const openDataset = useStudio((state) => state.openDataset);
  const choose = (field: string) => void openDataset(source, field);
  if (fields.length > MAX_BUTTONS) {
    return (
      <SelectInput
        label={t('data.rowsList')}
        value={NONE}
        disabled={disabled}
        options={[
          { value: NONE, label: t('data.rowsListChoose') },
          ...fields.map((field) => ({ value: field, label: field })),
        ]}
        onChange={(field) => field !== NONE && choose(field)}
      />
    );
  }
  return fields.map((field) => (
    <Button key={field} className="button button--small" isDisabled={disabled} onPress={() => choose(field)}>
      {t('data.readList', { field })}
    </Button>
  ));
}
