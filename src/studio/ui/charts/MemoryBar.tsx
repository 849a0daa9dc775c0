import { memoryParts } from '../../../base/lib/memoryParts.ts';
import type { MemoryByPart } from '../../../hosts/browser/protocol.ts';
import { formatBytes } from '../format.ts';
import { t } from '../text/index.ts';

interface MemoryBarProps {
  parts: MemoryByPart;
  total: number;
  /** Available bytes; null if unknown. */
  budget: number | null;
}

/** Memory by part as a bar, relative to the available memory, with the names and bytes of the parts below. */
export function MemoryBar({ parts, total, budget }: MemoryBarProps) {
  const shown = memoryParts.filter((part) => parts[part] > 0);
  const scale = Math.max(total, budget ?? 0, 1);
  const list = shown
    .map((part) => t('memory.barPart', { part: t(`memory.part.${part}`), size: formatBytes(parts[part]) }))
    .join(', ');
  return (
    <figure className="memory-bar">
      <figcaption className="hidden">{t('memory.bar', { parts: list })}</figcaption>
      <div className="memory-bar__track" aria-hidden="true">
        {shown.map((part) => (
          <span
            key={part}
            className="memory-bar__part"
            data-part={part}
            style={{ width: `${(parts[part] / scale) * 100}%` }}
            title={t('memory.barPart', { part: t(`memory.part.${part}`), size: formatBytes(parts[part]) })}
          />
        ))}
        {budget !== null && total > budget && (
          <span className="memory-bar__limit" style={{ left: `${(budget / scale) * 100}%` }} />
        )}
      </div>
      <ul className="memory-bar__legend" aria-hidden="true">
        {shown.map((part) => (
          <li key={part}>
            <span className="memory-bar__part" data-part={part} />
            {t(`memory.part.${part}`)}
            <strong>{formatBytes(parts[part])}</strong>
          </li>
        ))}
      </ul>
    </figure>
  );
}
