import { Button, Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { useStudio } from '../store/index.ts';
import type { Question } from '../store/state/adapter.ts';
import { formatBytes } from './format.ts';
import { t } from './text/index.ts';

/** Asks before something is lost: an unsaved adapter, or a download. */
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
            <Heading slot="title">{titleOf(question)}</Heading>
            <p>{textOf(question)}</p>
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

function titleOf(question: Question): string {
  switch (question.kind) {
    case 'remove':
      return t('question.remove', { repo: question.repo.replace(/^datasets\//, '') });
    case 'removeRun':
    case 'removeProject':
      return t(`question.${question.kind}`, { name: question.name });
    default:
      return t(`question.${question.kind}`);
  }
}

function textOf(question: Question): string {
  switch (question.kind) {
    case 'remove':
      return t('question.removeText', { size: formatBytes(question.bytes) });
    case 'removeRun':
    case 'removeProject':
      return t(`question.${question.kind}Text`);
    default:
      return t('question.text');
  }
}
