import { memoryParts } from '../../../../base/lib/memoryParts.ts';
import type { MemoryByPart } from '../../../../hosts/browser/protocol.ts';
import { formatBytes } from '../../format.ts';
import { t } from '../../text/index.ts';

interface MemoryTableProps {
  planned: MemoryByPart | null;
  /** The run's peak so far; null if there is none. */
  measured?: MemoryByPart | null;
}

/** Memory by part in numbers, and the use of each part. */
export function MemoryTable({ planned, measured = null }: MemoryTableProps) {
  const columns = [
    { name: t('memory.planned'), parts: planned },
    { name: t('memory.measured'), parts: measured },
  ].filter((column): column is { name: string; parts: MemoryByPart } => column.parts !== null);
  return (
    <table className="table memory-table">
      <thead>
        <tr>
          <th scope="col">{t('memory.part')}</th>
          <th scope="col" className="memory-table__for">
            {t('memory.partFor')}
          </th>
          {columns.map(({ name }) => (
            <th key={name} scope="col" className="table__number">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {memoryParts.map((part) => (
          <tr key={part}>
            <th scope="row">{t(`memory.part.${part}`)}</th>
            <td className="memory-table__for">{t(`memory.for.${part}`)}</td>
            {columns.map(({ name, parts }) => (
              <td key={name} className="table__number">
                {formatBytes(parts[part])}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">{t('memory.sum')}</th>
          <td className="memory-table__for">{t('memory.sumFor')}</td>
          {columns.map(({ name, parts }) => (
            <td key={name} className="table__number">
              {formatBytes(memoryParts.reduce((sum, part) => sum + parts[part], 0))}
            </td>
          ))}
        </tr>
      </tfoot>
    </table>
  );
}
