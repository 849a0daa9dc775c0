import { useStudio } from '../../store/index.ts';
import type { PushWhat } from '../../store/state/pushing.ts';
import { formatBytes } from '../format.ts';
import { t } from '../text/index.ts';

const training = 'README.md, recipe.json, training.json, metrics.jsonl';

/** The files that a push sends, before it does. */
export function PushedFiles({ what }: { what: PushWhat }) {
  const sizes = useStudio((state) => state.exporting.sizes);
  const result = useStudio((state) => state.exportChoices.result);
  const bytes = what === 'adapter' ? sizes?.adapter?.F32 : sizes?.merged[result];
  const size = typeof bytes === 'number' ? formatBytes(bytes) : t('push.sends.unknown');
  const lines =
    what === 'adapter'
      ? [
          `adapter_model.safetensors (${size}), adapter_config.json`,
          t('push.sends.training', { files: training }),
          t('push.sends.ends', { files: 'generation_config.json' }),
        ]
      : [
          `model*.safetensors (${size}), config.json, generation_config.json`,
          t('push.sends.model', { files: 'tokenizer*, *.jinja, LICENSE*, README.md' }),
        ];
  return (
    <div className="remark">
      <p>{t('push.sends')}</p>
      <ul>
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      <p>{t('push.sends.names')}</p>
    </div>
  );
}
