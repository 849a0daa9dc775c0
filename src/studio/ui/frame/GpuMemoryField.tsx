import { useState } from 'react';
import { useStudio } from '../../store/index.ts';
import { formatNumber } from '../../store/recipeShape.ts';
import { NumberInput } from '../controls/NumberInput.tsx';
import { t } from '../text/index.ts';

/**
 * The amount of GPU memory, as entered by the user: browsers don't reveal it.
 * @param explained whether the text beside it already says so
 */
export function GpuMemoryField({ explained = false }: { explained?: boolean }) {
  const gigabytes = useStudio((state) => state.prefs.gpuMemoryGB);
  const setPref = useStudio((state) => state.setPref);
  const [problem, setProblem] = useState<string | null>(null);
  const onText = (text: string) => {
    const trimmed = text
      .trim()
      .replace(/\s*(GB|GiB|G)$/i, '')
      .replace(',', '.');
    const value = trimmed === '' ? null : Number(trimmed);
    const usable = value === null || (Number.isFinite(value) && value > 0);
    setProblem(usable ? null : t('device.memoryProblem'));
    if (usable) setPref('gpuMemoryGB', value);
  };
  return (
    <div className="gpu-memory">
      <NumberInput
        label={t('device.memory')}
        text={gigabytes === null ? '' : formatNumber(gigabytes)}
        onText={onText}
        placeholder={t('device.memoryUnknown')}
        unit={t('device.memoryUnit')}
        {...(explained ? {} : { help: t('device.memoryHelp') })}
        problem={problem}
      />
    </div>
  );
}
