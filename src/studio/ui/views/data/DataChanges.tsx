import { Button } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import { isTraining } from '../../../store/state.ts';
import { Icon } from '../../controls/Icon.tsx';
import { downloadFile } from '../../files.ts';
import { t } from '../../text/index.ts';

/** Counts of manual changes, with undo and download. The file itself is unchanged. */
export function DataChanges() {
  const { added, edited, excluded, undoable } = useStudio((state) => state.dataset.changes);
  const mapped = useStudio((state) => Boolean(state.dataset.summary?.mapping));
  const changeRows = useStudio((state) => state.changeRows);
  const changedFile = useStudio((state) => state.changedFile);
  const disabled = useStudio((state) => isTraining(state) || state.dataset.tokenizing);
  if (added + edited + excluded + undoable === 0 && !mapped) return null;
  const download = async () => {
    const file = await changedFile();
    if (file) downloadFile(file, file.name);
  };
  return (
    <div className="changes">
      <p className="changes__text" role="status">
        {added > 0 && <span>{t('data.added', { n: added })}</span>}
        {edited > 0 && <span>{t('data.edited', { n: edited })}</span>}
        {excluded > 0 && <span>{t('data.excluded', { n: excluded })}</span>}
        {added + edited + excluded === 0 && !mapped && <span>{t('data.unchanged')}</span>}
        <span className="changes__note">{t('data.fileUntouched')}</span>
      </p>
      <div className="row row--tight">
        {undoable > 0 && (
          <Button
            className="button button--small"
            isDisabled={disabled}
            onPress={() => void changeRows({ kind: 'undo' })}
          >
            <Icon name="reset" />
            {t('data.undo')}
          </Button>
        )}
        <Button className="button button--small" onPress={() => void download()}>
          <Icon name="download" />
          {t('data.downloadChanged')}
        </Button>
      </div>
    </div>
  );
}
