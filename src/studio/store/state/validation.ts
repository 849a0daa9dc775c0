import type { DataSource, ValidationSummary } from '../../../hosts/browser/dataProtocol.ts';
import type { AttachedData } from '../../../hosts/browser/projectsProtocol.ts';
import type { ErrorNote } from '../errorNote.ts';

/** A file of rows that the loss is measured on, beside the data that is trained on. */
export interface ValidationState {
  /** Name of the file being read; null while none is. */
  reading: string | null;
  summary: ValidationSummary | null;
  source: DataSource | null;
  /** Its content as a name, and whether the project has a copy; null where nothing can be stored. */
  content: Pick<AttachedData, 'hash' | 'kept'> | null;
  error: ErrorNote | null;
}

export interface ValidationSlice {
  validation: ValidationState;
  /** Reads a validation file, or with null goes back to rows held out of the data; on an error the one before stays. */
  openValidation(source: DataSource | null): Promise<void>;
  dismissValidationError(): void;
}

export const emptyValidation: ValidationState = {
  reading: null,
  summary: null,
  source: null,
  content: null,
  error: null,
};
