import { useEffect } from 'react';
import { Button } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import { isInUse } from '../../store/stored.ts';
import type {
  CachedModel,
  CachedRepo,
  CachedModelInfo,
  StorageReport,
} from '../../../hosts/browser/hubProtocol.ts';
import { Fold } from '../controls/Fold.tsx';
import { ErrorNotice, Notice } from '../controls/Notice.tsx';
import { formatBytes, formatDate } from '../format.ts';
import { t } from '../text/index.ts';

/** The models stored on this device, for use again, also offline. */
export function StoredModels({ disabled }: { disabled: boolean }) {
  const report = useStudio((state) => state.stored.report);
  const models = report?.repos.filter(isModel).flatMap(({ models: commits }) => commits) ?? [];
  if (models.length === 0) return null;
  return (
    <section className="stored" aria-labelledby="stored-title">
      <h3 id="stored-title">{t('storage.title')}</h3>
      <ul>
        {models
          .toSorted((a, b) => b.lastUsed - a.lastUsed)
          .map((model) => (
            <StoredModel key={model.host + model.repo + model.commit} model={model} disabled={disabled} />
          ))}
      </ul>
    </section>
  );
}

function StoredModel({ model, disabled }: { model: CachedModel; disabled: boolean }) {
  const openStored = useStudio((state) => state.openStored);
  const { repo, commit, license, bytes } = model;
  const open = useStudio(
    ({ model: now }) =>
      now.status === 'ready' && now.source?.kind === 'cached' && now.source.commit === commit,
  );
  const note = [formatBytes(bytes), ...(license ? [license] : []), commit.slice(0, 8)].join(' · ');
  return (
    <li className="stored__item">
      <span className="stored__text">
        <span className="mono">{repo}</span>
        <span className="found__note">{note}</span>
      </span>
      {open ? (
        <span className="stored__open">{t('storage.open')}</span>
      ) : (
        <Button
          className="button button--small"
          aria-label={t('storage.useName', { repo })}
          isDisabled={disabled}
          onPress={() => void openStored(model)}
        >
          {t('storage.use')}
        </Button>
      )}
    </li>
  );
}

/** What is stored, its size, and how to free it. */
export function StorageFold() {
  const { report, error } = useStudio((state) => state.stored);
  const refresh = useStudio((state) => state.refreshStorage);
  const dismiss = useStudio((state) => state.dismissStorageError);
  useEffect(() => void refresh(), [refresh]);
  const items = report ? [...report.repos, ...report.quantized] : [];
  const sum = items.reduce((total, { bytes }) => total + bytes, 0);
  return (
    <>
      {error?.code === 'storage.opfs_denied' ? (
        <Notice tone="warning">
          <p className="notice__what">{t('storage.denied')}</p>
          <p>{t('storage.deniedHelp')}</p>
        </Notice>
      ) : (
        <ErrorNotice error={error} onDismiss={dismiss} />
      )}
      {report && items.length > 0 && (
        <Fold title={t('storage.manage')} note={t('storage.sum', { size: formatBytes(sum) })}>
          <div className="storage">
            <StorageTable report={report} />
            <BrowserStorage report={report} />
          </div>
        </Fold>
      )}
    </>
  );
}

function StorageTable({ report: { repos, quantized } }: { report: StorageReport }) {
  return (
    <table className="table">
      <thead>
        <tr>
          <th scope="col">{t('storage.item')}</th>
          <th scope="col">{t('storage.used')}</th>
          <th scope="col" className="table__number">
            {t('storage.size')}
          </th>
          <th scope="col">
            <span className="hidden">{t('storage.delete')}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {repos.map((repo) => (
          <StorageRow key={repo.host + repo.repo} stored={repo} />
        ))}
        {quantized.map((info) => (
          <QuantizedRow key={info.key} info={info} />
        ))}
      </tbody>
    </table>
  );
}

function StorageRow({ stored }: { stored: CachedRepo }) {
  const { host, repo, bytes, models } = stored;
  const inUse = useStudio((state) => isInUse(state, host, repo));
  const removing = useStudio((state) => state.stored.removing === repo);
  const remove = useStudio((state) => state.removeStored);
  const used = Math.max(0, ...models.map(({ lastUsed }) => lastUsed));
  const name = repo.replace(/^datasets\//, '');
  return (
    <tr>
      <td>
        <span className="mono">{name}</span>{' '}
        <span className="found__note">
          {t(isModel(stored) ? 'storage.kind.model' : 'storage.kind.dataset')}
          {models.length === 0 && `, ${t('storage.partial')}`}
        </span>
      </td>
      <td>{used > 0 ? formatDate(used) : t('storage.never')}</td>
      <td className="table__number">{formatBytes(bytes)}</td>
      <td className="table__number">
        {inUse ? (
          <span className="found__note">{t('storage.inUse')}</span>
        ) : (
          <Button
            className="button button--small"
            aria-label={t('storage.deleteName', { repo: name })}
            isDisabled={removing}
            onPress={() => remove(host, repo, bytes)}
          >
            {t(removing ? 'storage.deleting' : 'storage.delete')}
          </Button>
        )}
      </td>
    </tr>
  );
}

/** 4-bit weights created here: deleted without confirmation, since they are recreated when needed. */
function QuantizedRow({ info: { key, base, bytes, lastUsed, complete } }: { info: CachedModelInfo }) {
  const removing = useStudio((state) => state.stored.removing === key);
  const remove = useStudio((state) => state.removeQuantized);
  const name = base ?? t('storage.unknown');
  return (
    <tr>
      <td>
        <span className="mono">{name}</span>{' '}
        <span className="found__note">
          {t('storage.kind.quantized')}
          {!complete && `, ${t('storage.partial')}`}
        </span>
      </td>
      <td>{lastUsed > 0 ? formatDate(lastUsed) : t('storage.never')}</td>
      <td className="table__number">{formatBytes(bytes)}</td>
      <td className="table__number">
        <Button
          className="button button--small"
          aria-label={t('storage.deleteQuantized', { repo: name })}
          isDisabled={removing}
          onPress={() => remove(key)}
        >
          {t(removing ? 'storage.deleting' : 'storage.delete')}
        </Button>
      </td>
    </tr>
  );
}

function BrowserStorage({ report: { usage, quota, persisted } }: { report: StorageReport }) {
  const refused = useStudio((state) => state.stored.refused);
  const keep = useStudio((state) => state.keepStorage);
  return (
    <div className="row">
      <p className="remark">
        {usage === null || quota === null
          ? t('storage.browserUnknown')
          : t('storage.browser', { usage: formatBytes(usage), quota: formatBytes(quota) })}{' '}
        {t(persisted ? 'storage.persisted' : 'storage.mayGo')} {refused && t('storage.keepRefused')}
      </p>
      {!persisted && (
        <Button className="button button--small" onPress={() => void keep()}>
          {t('storage.keep')}
        </Button>
      )}
    </div>
  );
}

function isModel({ repo }: CachedRepo): boolean {
  return !repo.startsWith('datasets/');
}
