import { Button } from 'react-aria-components';
import { isDownloading } from '../../store/state/download.ts';
import { useStudio } from '../../store/index.ts';
import { isRemote } from '../../store/steps.ts';
import type { HubModelFacts } from '../../../hosts/browser/hubProtocol.ts';
import { Fact, Facts } from '../controls/Facts.tsx';
import { Icon } from '../controls/Icon.tsx';
import { Notice } from '../controls/Notice.tsx';
import { formatBytes } from '../format.ts';
import { t } from '../text/index.ts';
import { PageLink } from './PageLink.tsx';

/** The Hub's metadata of the open model: licence, revision and size, shown before anything is downloaded. */
export function HubCard({ facts }: { facts: HubModelFacts }) {
  const remote = useStudio(isRemote);
  const hasToken = useStudio((state) => state.hub.hasToken);
  const { license, revision, commit, host, page, bytes, bytesHere, files } = facts;
  return (
    <div className="hub-card">
      <Facts>
        <Fact name={t('hub.licence')}>
          <PageLink page={page}>{license ?? t('hub.licenceNone')}</PageLink>
        </Fact>
        <Fact name={t('hub.revision')} note={revision === commit ? undefined : revision}>
          <span className="mono">{commit.slice(0, 8)}</span>
        </Fact>
        <Fact name={t('hub.from')}>{host}</Fact>
        <Fact
          name={t(remote ? 'hub.toDownload' : 'hub.stored')}
          note={
            remote && bytesHere > 0
              ? t('hub.hereNote', { size: formatBytes(bytesHere) })
              : files > 0
                ? t('hub.filesNote', { n: files })
                : undefined
          }
        >
          {formatBytes(bytes)}
        </Fact>
      </Facts>
      {facts.offline && <Notice tone="info">{t('hub.offline', { host })}</Notice>}
      {facts.private && <Notice tone="info">{t('hub.private')}</Notice>}
      {facts.gated && (
        <Notice tone={hasToken ? 'info' : 'warning'}>
          <p className="notice__what">{t(hasToken ? 'hub.gatedOpen' : 'hub.gated')}</p>
          {!hasToken && (
            <p>
              {t('hub.gatedHelp')} <PageLink page={page} />
            </p>
          )}
        </Notice>
      )}
      {remote && <DownloadOffer facts={facts} />}
    </div>
  );
}

function DownloadOffer({ facts }: { facts: HubModelFacts }) {
  const downloading = useStudio(isDownloading);
  const stopped = useStudio(
    ({ download }) => download.model?.commit === facts.commit && download.status !== 'idle',
  );
  const downloadModel = useStudio((state) => state.downloadModel);
  if (downloading) return null;
  const resume = stopped || facts.begun || facts.bytesHere > 0;
  return (
    <div className="row">
      <Button className="button button--primary" onPress={() => void downloadModel()}>
        <Icon name="download" />
        {resume ? t('hub.resume') : t('hub.download', { size: formatBytes(facts.bytes) })}
      </Button>
      <p className="remark">{t('hub.remote')}</p>
    </div>
  );
}
