import { Button, Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { useStudio } from '../store/index.ts';
import { t } from './text/index.ts';

/** Asks before an adapter that was not saved is lost. */
export function QuestionDialog() {
  const question = useStudio((state) => state.question);
  const answer = useStudio((state) => state.answerQuestion);
  return (
    <ModalOverlay
      className="overlay"
      isOpen={question !== null}
      onOpenChange={(open) => {
        if (!open) answer(false);
      }}
    >
      <Modal className="modal">
        {question && (
          <Dialog role="alertdialog" className="dialog">
            <Heading slot="title">{t(`question.${question.kind}`)}</Heading>
            <p>{t('question.text')}</p>
            <div className="row row--end">
              <Button className="button" onPress={() => answer(false)}>
                {t('question.no')}
              </Button>
              <Button className="button button--danger" onPress={() => answer(true)}>
                {t(`question.${question.kind}.yes`)}
              </Button>
            </div>
          </Dialog>
        )}
      </Modal>
    </ModalOverlay>
  );
}
