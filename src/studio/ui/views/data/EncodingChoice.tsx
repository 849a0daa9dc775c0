import { Button } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import type { DataSource, Encoding } from '../../../../hosts/browser/dataProtocol.ts';
import { SelectInput } from '../../controls/SelectInput.tsx';
import { t } from '../../text/index.ts';

/** Names of encodings, the same in every language. */
const names: Record<Encoding, string> = {
  'utf-8': 'UTF-8',
  'utf-16le': 'UTF-16 LE',
  'utf-16be': 'UTF-16 BE',
  'utf-32le': 'UTF-32 LE',
  'utf-32be': 'UTF-32 BE',
  gb18030: 'GB18030 (GBK)',
  big5: 'Big5',
  shift_jis: 'Shift JIS',
  'euc-jp': 'EUC-JP',
  'euc-kr': 'EUC-KR',
  'windows-1252': 'Windows-1252 (Latin-1)',
  'windows-1250': 'Windows-1250',
  'windows-1251': 'Windows-1251',
  'koi8-r': 'KOI8-R',
  'windows-1253': 'Windows-1253',
  'windows-1254': 'Windows-1254',
  'windows-1255': 'Windows-1255',
  'windows-1256': 'Windows-1256',
  'windows-874': 'Windows-874',
};
const NONE = '';

/** What an encoding is called. */
export function encodingName(encoding: Encoding): string {
  return names[encoding];
}

/** The encodings that a file may have, each with how its text reads then. */
export function UnclearEncoding({ disabled }: { disabled: boolean }) {
  const unclear = useStudio((state) => state.dataset.unclearEncoding);
  const openDataset = useStudio((state) => state.openDataset);
  if (!unclear) return null;
  const { source, choices } = unclear;
  return (
    <div className="encodings">
      {choices.map(({ encoding, sample }) => (
        <div key={encoding} className="encodings__choice">
          <Button
            className="button button--small"
            isDisabled={disabled}
            onPress={() => void openDataset({ ...source, encoding })}
          >
            {t('encoding.readAs', { encoding: names[encoding] })}
          </Button>
          <span className="encodings__sample">{sample}</span>
        </div>
      ))}
      <EncodingSelect source={source} encoding={null} disabled={disabled} />
    </div>
  );
}

interface EncodingSelectProps {
  source: DataSource;
  /** The one it was read in; null where it was not read. */
  encoding: Encoding | null;
  disabled: boolean;
}

/** Reads a file again in another encoding. */
export function EncodingSelect({ source, encoding, disabled }: EncodingSelectProps) {
  const openDataset = useStudio((state) => state.openDataset);
  const options = Object.entries(names).map(([value, label]) => ({ value: value as Encoding, label }));
  return (
    <SelectInput<Encoding | typeof NONE>
      label={t('encoding.label')}
      value={encoding ?? NONE}
      disabled={disabled}
      options={encoding ? options : [{ value: NONE, label: t('encoding.other') }, ...options]}
      onChange={(chosen) => {
        if (chosen !== NONE && chosen !== encoding) void openDataset({ ...source, encoding: chosen });
      }}
    />
  );
}
