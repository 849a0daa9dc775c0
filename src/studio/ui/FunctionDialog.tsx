import { Button, Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { useStudio } from '../store/index.ts';
import type { AskedFunction } from '../store/state/functions.ts';
import { t } from './text/index.ts';

/** Asks whether a function of a recipe may run, and shows it. */
export function FunctionDialog() {
  const asked = useStudio((state) => state.askedFunction);
  const answer = useStudio((state) => state.answerFunction);
  return (
    <ModalOverlay
      className="overlay"
      isOpen={asked !== null}
      onOpenChange={(open) => {
        if (!open) answer(false);
      }}
    >
      <Modal className="modal">
        {asked && (
          <Dialog role="alertdialog" className="dialog">
            <Heading slot="title">{t('rewards.ask', { name: asked.name })}</Heading>
            <p>{t('rewards.askText')}</p>
            <Code {...asked} />
            <div className="row row--end">
              <Button className="button" onPress={() => answer(false)}>
                {t('question.no')}
              </Button>
              <Button className="button button--primary" onPress={() => answer(true)}>
                {t('rewards.allow')}
              </Button>
            </div>
          </Dialog>
        )}
      </Modal>
    </ModalOverlay>
  );
}

function Code({ name, source }: AskedFunction) {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so it must take the focus
    <pre className="code dialog__code" tabIndex={0} aria-label={t('rewards.code', { name })} role="group">
      {source}
    </pre>
  );
}
