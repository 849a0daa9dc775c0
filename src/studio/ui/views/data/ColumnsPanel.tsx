import { useEffect, useState } from 'react';
import { Button, Group, ToggleButton } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import { isTraining } from '../../../store/state.ts';
import type { Column, ColumnMapping, MappedRow } from '../../../../hosts/browser/dataProtocol.ts';
import { SelectInput } from '../../controls/SelectInput.tsx';
import { t } from '../../text/index.ts';
import { problemText } from './DataProblems.tsx';

/** Selects the columns of a table that hold the prompt, the answer or a text, and previews the first rows. */
export function ColumnsPanel() {
  const summary = useStudio((state) => state.dataset.summary);
  const open = useStudio((state) => state.dataset.choosingColumns);
  const chooseColumns = useStudio((state) => state.chooseColumns);
  const mapColumns = useStudio((state) => state.mapColumns);
  const disabled = useStudio(isTraining);
  const [mapping, setMapping] = useState<ColumnMapping | null>(null);
  if (!summary || summary.columns.length === 0) return null;
  const undecided = summary.format === null;
  if (!undecided && !open) return null;
  const shown = mapping ?? summary.mapping ?? summary.guess;
  if (!shown) return null;
  return (
    <section className="part columns" aria-labelledby="columns-title">
      <h3 id="columns-title">{t('columns.title')}</h3>
      <p className="remark">{t(undecided ? 'columns.unsure' : 'columns.help')}</p>
      <Choices columns={summary.columns} mapping={shown} onChange={setMapping} disabled={disabled} />
      <Sample mapping={shown} />
      <div className="row row--tight">
        <Button
          className="button button--primary"
          isDisabled={disabled}
          onPress={() => void mapColumns(shown)}
        >
          {t('columns.use')}
        </Button>
        {summary.mapping && (
          <Button className="button" isDisabled={disabled} onPress={() => void mapColumns(null)}>
            {t('columns.reset')}
          </Button>
        )}
        {!undecided && (
          <Button className="button button--quiet" onPress={() => chooseColumns(false)}>
            {t('columns.cancel')}
          </Button>
        )}
      </div>
    </section>
  );
}

interface ChoicesProps {
  columns: readonly Column[];
  mapping: ColumnMapping;
  onChange: (mapping: ColumnMapping) => void;
  disabled: boolean;
}

const NO_COLUMN = '';

function Choices({ columns, mapping, onChange, disabled }: ChoicesProps) {
  const total = useStudio((state) => state.dataset.summary?.rows ?? 0);
  const options = columns.map((column) => ({ value: column.name, label: labelOf(column, total) }));
  const first = columns[0]!.name;
  const choose = (kind: string) => {
    if (kind === 'text') onChange({ kind, text: mapping.kind === 'text' ? mapping.text : first });
    else if (mapping.kind === 'text') {
      const response = columns.find(({ name }) => name !== first)?.name ?? first;
      onChange({ kind: 'prompt', system: null, prompt: [first], response });
    }
  };
  return (
    <div className="fields">
      <SelectInput
        label={t('columns.kind')}
        value={mapping.kind}
        disabled={disabled}
        options={[
          { value: 'prompt', label: t('columns.kind.prompt') },
          { value: 'text', label: t('columns.kind.text') },
        ]}
        onChange={choose}
      />
      {mapping.kind === 'text' ? (
        <SelectInput
          label={t('columns.text')}
          value={mapping.text}
          options={options}
          disabled={disabled}
          onChange={(text) => onChange({ kind: 'text', text })}
        />
      ) : (
        <>
          <SelectInput
            label={t('columns.response')}
            value={mapping.response}
            options={options}
            disabled={disabled}
            onChange={(response) => onChange({ ...mapping, response })}
          />
          <SelectInput
            label={t('columns.system')}
            value={mapping.system ?? NO_COLUMN}
            options={[{ value: NO_COLUMN, label: t('columns.none') }, ...options]}
            disabled={disabled}
            onChange={(system) => onChange({ ...mapping, system: system === NO_COLUMN ? null : system })}
          />
          <div className="field field--wide">
            <span className="field__label">{t('columns.prompt')}</span>
            <Group className="chips" aria-label={t('columns.prompt')}>
              {columns.map(({ name, sample, rows }) => (
                <ToggleButton
                  key={name}
                  className="chip"
                  isSelected={mapping.prompt.includes(name)}
                  isDisabled={disabled}
                  aria-label={sample === '' ? name : `${name}: ${sample}`}
                  onChange={(selected) =>
                    onChange({
                      ...mapping,
                      // In the order they were selected: that is how they are joined.
                      prompt: selected
                        ? [...mapping.prompt, name]
                        : mapping.prompt.filter((other) => other !== name),
                    })
                  }
                >
                  {labelOf({ name, rows }, total)}
                </ToggleButton>
              ))}
            </Group>
            <span className="field__help">{t('columns.promptHelp')}</span>
          </div>
        </>
      )}
    </div>
  );
}

/** A column's name, and how many rows have it if that is not all. */
function labelOf({ name, rows }: Pick<Column, 'name' | 'rows'>, total: number): string {
  return rows === total ? name : t('columns.inRows', { name, n: rows });
}

/** The first rows as these columns read them. */
function Sample({ mapping }: { mapping: ColumnMapping }) {
  const mappedRows = useStudio((state) => state.mappedRows);
  const [rows, setRows] = useState<MappedRow[]>([]);
  useEffect(() => {
    let current = true;
    void mappedRows(mapping).then(
      (read) => current && setRows(read),
      () => current && setRows([]),
    );
    return () => {
      current = false;
    };
  }, [mapping, mappedRows]);
  return (
    <ol className="mapped" aria-label={t('columns.sample')}>
      {rows.map(({ line, turns, problem }) => (
        <li key={line} className="mapped__row">
          <span className="mapped__line">{t('data.line', { line })}</span>
          {problem && <p>{problemText(problem)}</p>}
          {turns.length > 0 && (
            <dl>
              {turns.map(({ role, content }, index) => (
                <div key={index}>
                  <dt>{t(`role.${role}`)}</dt>
                  <dd>{content === '' ? t('columns.empty') : content}</dd>
                </div>
              ))}
            </dl>
          )}
        </li>
      ))}
    </ol>
  );
}
