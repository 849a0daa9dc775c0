import { noteOf } from './errorNote.ts';
import { isReadOnly, isTraining, type SliceOf } from './state.ts';
import { emptyValidation, type ValidationSlice, type ValidationState } from './state/validation.ts';

export const createValidationSlice: SliceOf<ValidationSlice> =
  ({ workers }) =>
  (set, get) => {
    const patch = (changes: Partial<ValidationState>) =>
      set(({ validation }) => ({ validation: { ...validation, ...changes } }));
    return {
      validation: emptyValidation,
      async openValidation(source) {
        if (isTraining(get()) || (source !== null && isReadOnly(get()))) return;
        const name = source === null ? null : source.kind === 'file' ? source.file.name : source.name;
        patch({ reading: name, error: null });
        try {
          const summary = await workers.data.call.openValidation(source, () => undefined);
          const content = summary && (await get().attachValidation());
          set({ validation: { ...emptyValidation, summary, source, content } });
        } catch (error) {
          return patch({ reading: null, error: noteOf(error) });
        }
        await get().tokenize();
      },
      dismissValidationError: () => patch({ error: null }),
    };
  };
