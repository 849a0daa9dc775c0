import { useState } from 'react';
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import { blockReason, isRemote } from '../../../store/steps.ts';
import { Notice } from '../../controls/Notice.tsx';
import { View } from '../../frame/View.tsx';
import { t } from '../../text/index.ts';
import { BatchPanel } from './BatchPanel.tsx';
import { Conversation } from './Conversation.tsx';
import { EvaluationPanel } from './EvaluationPanel.tsx';
import { OpenAdapter } from './OpenAdapter.tsx';
import { SamplingSettings, StrengthSlider } from './SamplingSettings.tsx';

const tabs = ['turns', 'batch', 'evaluate'] as const;
type Tabbed = (typeof tabs)[number];

/** Asks one model or two: in a conversation, many prompts at once, or all held-out rows for figures. */
export function ChatView() {
  const reason = useStudio((state) => blockReason(state, 'chat'));
  const hasTokenizer = useStudio((state) => state.model.tokenizer !== 'none');
  const remote = useStudio(isRemote);
  const [tab, setTab] = useState<Tabbed>('turns');
  if (reason === 'noTokenizer' || (reason === null && !remote && !hasTokenizer)) {
    return (
      <View id="chat">
        <Notice tone="info">{t('chat.noTokenizer')}</Notice>
        {reason === null && <OpenAdapter />}
      </View>
    );
  }
  if (reason !== null) {
    return (
      <View id="chat">
        <p className="remark">{t(`block.${reason}`)}</p>
      </View>
    );
  }
  if (remote) {
    return (
      <View id="chat">
        <Notice tone="info">
          <p className="notice__what">{t('hub.tryRemote')}</p>
          <p>{t('hub.mergeRemote')}</p>
        </Notice>
        <OpenAdapter />
      </View>
    );
  }
  return (
    <Tabs className="chat" selectedKey={tab} onSelectionChange={(key) => setTab(key as Tabbed)}>
      <View
        id="chat"
        aside={
          <TabList className="segments" aria-label={t('chat.tabs')}>
            {tabs.map((id) => (
              <Tab key={id} id={id} className="segment segment--text">
                {t(`chat.tab.${id}`)}
              </Tab>
            ))}
          </TabList>
        }
      >
        <div className="columns columns--chat">
          <div className="column">
            <TabPanel id="turns" className="panel">
              <Conversation />
            </TabPanel>
            <TabPanel id="batch" className="panel">
              <BatchPanel />
            </TabPanel>
            <TabPanel id="evaluate" className="panel">
              <EvaluationPanel />
            </TabPanel>
          </div>
          <section className="column panel sampling" aria-labelledby="sampling-title">
            <h3 id="sampling-title">{t('try.settings')}</h3>
            <SamplingSettings />
            <StrengthSlider />
            <OpenAdapter />
          </section>
        </div>
      </View>
    </Tabs>
  );
}
