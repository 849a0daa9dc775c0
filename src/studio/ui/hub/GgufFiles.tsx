import { Button } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import type { HubModelFacts } from '../../../hosts/browser/hubProtocol.ts';
import { formatBytes } from '../format.ts';
import { t } from '../text/index.ts';
import { PageLink } from './PageLink.tsx';

/** The GGUF files of a repo: each of them is a model, one is opened. */
export function GgufFiles({ facts, disabled }: { facts: HubModelFacts; disabled: boolean }) {
  const pickGguf = useStudio((state) => state.pickGguf);
  const { repo, license, commit, page, ggufs = [] } = facts;
  return (
    <div className="finder__list">
      <h4>
        <PageLink page={page}>{repo}</PageLink>
        {` · ${license ?? t('hub.licenceNone')} · ${commit.slice(0, 8)}`}
      </h4>
      <p className="remark">{t('hub.chooseGguf')}</p>
      <ul>
        {ggufs.map(({ path, size, type }) => (
          <li key={path} className="stored__item">
            <span className="stored__text">
              <span className="mono">{path}</span>
              <span className="found__note">
                {[...(type === null ? [] : [type]), formatBytes(size)].join(' · ')}
              </span>
            </span>
            <Button
              className="button button--small"
              aria-label={t('storage.useName', { repo: path })}
              isDisabled={disabled}
              onPress={() => void pickGguf(path)}
            >
              {t('storage.use')}
            </Button>
          </li>
        ))}
      </ul>
    </div>
  );
}
