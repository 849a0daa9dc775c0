import { useState } from 'react';
import { Button, Checkbox } from 'react-aria-components';
import type { RecipeKey } from '../../../../base/config/recipe.ts';
import type { RunEntry } from '../../../../hosts/browser/protocol.ts';
import { useStudio } from '../../../store/index.ts';
import { canOpenModel } from '../../../store/runs.ts';
import {
  runColumns,
  runValue,
  sortedRuns,
  type RunColumn,
  type RunHead,
  type RunOrder,
} from '../../../store/runTable.ts';
import { busyWith } from '../../../store/state.ts';
import { formatCount, formatDuration, formatLoss, formatMoment } from '../../format.ts';
import { fieldText, hasText, t } from '../../text/index.ts';
import { valueText } from '../recipe/recipeText.ts';

/** Runs as a table: first what differs between them. Its columns sort it. */
export function RunTable({ entries }: { entries: readonly RunEntry[] }) {
  const [order, setOrder] = useState<RunOrder>({ column: 'createdAt', descending: true });
  const { differing, common } = runColumns(entries.flatMap(({ head }) => (head ? [head] : [])));
  const columns = [...differing, ...common];
  const sort = (column: RunOrder['column']) =>
    setOrder({ column, descending: order.column === column && !order.descending });
  const heading = (column: RunOrder['column'], name: string) => (
    <th
      key={column}
      scope="col"
      className={column === 'name' ? undefined : 'table__number'}
      aria-sort={order.column === column ? (order.descending ? 'descending' : 'ascending') : 'none'}
    >
      <Button className="sort" onPress={() => sort(column)}>
        {name}
        <span className="sort__arrow" aria-hidden="true">
          {order.column === column ? (order.descending ? '↓' : '↑') : ''}
        </span>
      </Button>
    </th>
  );
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so it must take the focus
    <section className="table-scroll runs__table" tabIndex={0} aria-label={t('runs.title')}>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">
              <span className="hidden">{t('runs.compare')}</span>
            </th>
            {heading('name', t('runs.name'))}
            {columns.map((column) => heading(column, columnName(column)))}
            <th scope="col">{t('runs.tags')}</th>
            <th scope="col">{t('runs.note')}</th>
            <th scope="col">
              <span className="hidden">{t('runs.actions')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {sortedRuns(entries, order).map((entry) =>
            entry.head ? (
              <Row key={entry.id} id={entry.id} head={entry.head} columns={columns} />
            ) : (
              <Damaged key={entry.id} id={entry.id} columns={columns.length} />
            ),
          )}
        </tbody>
      </table>
    </section>
  );
}

function Row({ id, head, columns }: { id: string; head: RunHead; columns: readonly RunColumn[] }) {
  const isOpen = useStudio((state) => state.runs.open?.id === id);
  const open = useStudio((state) => state.openRun);
  const compared = useStudio((state) => id in state.runs.compared);
  const compare = useStudio((state) => state.compareRun);
  const resume = useStudio((state) => state.resumeRun);
  const busy = useStudio((state) => busyWith(state) !== null || state.runs.working !== null);
  const possible = useStudio((state) => canOpenModel(state, id));
  const { name, status, tags, note } = head;
  const goesOn = ['cut', 'paused', 'stopped', 'failed'].includes(status);
  return (
    <tr className="run" data-status={status} data-open={isOpen}>
      <td>
        <Checkbox
          className="check"
          isSelected={compared}
          onChange={(shown) => void compare(id, shown)}
          aria-label={t('runs.compareName', { name })}
        >
          <span className="check__box" aria-hidden="true" />
        </Checkbox>
      </td>
      <th scope="row">
        <span className="run__name">{name}</span>{' '}
        <span className="run__status">{t(`runs.status.${status}`)}</span>
      </th>
      {columns.map((column) => (
        <td key={column} className="table__number">
          {cellText(head, column)}
        </td>
      ))}
      <td>
        {tags.map((tag) => (
          <span key={tag} className="run__tag">
            {tag}
          </span>
        ))}
      </td>
      <td className="run__note">{note}</td>
      <td>
        <span className="run__actions">
          {goesOn && possible && (
            <Button
              className="button button--small"
              aria-label={t('runs.resumeName', { name })}
              isDisabled={busy}
              onPress={() => void resume(id)}
            >
              {t('runs.resume')}
            </Button>
          )}
          <Button
            className="button button--small"
            aria-expanded={isOpen}
            aria-label={t(isOpen ? 'runs.hideName' : 'runs.showName', { name })}
            onPress={() => void open(isOpen ? null : id)}
          >
            {t(isOpen ? 'runs.hide' : 'runs.show')}
          </Button>
        </span>
      </td>
    </tr>
  );
}

function Damaged({ id, columns }: { id: string; columns: number }) {
  const remove = useStudio((state) => state.removeRun);
  const busy = useStudio((state) => busyWith(state) !== null || state.runs.working !== null);
  return (
    <tr className="run">
      <th scope="row" colSpan={columns + 4}>
        {t('runs.damaged', { id })}
      </th>
      <td>
        <Button className="button button--small" isDisabled={busy} onPress={() => remove(id)}>
          {t('runs.delete')}
        </Button>
      </td>
    </tr>
  );
}

/** A column's heading. */
function columnName(column: RunColumn): string {
  const key = `runs.column.${column}`;
  return hasText(key) ? t(key) : fieldText(column as RecipeKey).label;
}

function cellText(head: RunHead, column: RunColumn): string {
  const value = runValue(head, column);
  if (value === null) return '';
  switch (column) {
    case 'createdAt':
      return formatMoment(Number(value));
    case 'seconds':
      return formatDuration(Number(value));
    case 'loss':
    case 'evalLoss':
      return formatLoss(Number(value));
    case 'step': {
      const { totalSteps } = head.progress;
      return value === totalSteps
        ? formatCount(totalSteps)
        : t('runs.stepOf', { step: Number(value), total: totalSteps });
    }
    case 'model':
    case 'data':
      return String(value);
    default:
      return valueText(value);
  }
}
