import type { Directory, WritableFolder } from '../../base/storage/types.ts';

/**
 * The destination of a merge. In a folder whose files can be edited in place (OPFS, Node), an interrupted merge resumes
 * within a file; in one whose files appear only as a whole, such as a folder that the user granted access to, at a
 * file.
 */
export type MergeFolder = WritableFolder &
  Partial<Pick<Directory, 'edit'>> & {
    /** Throws `storage.lost_ownership` where another owns the folder by now: before a merge is told to be proved. */
    checkOwner?(): Promise<void>;
    /** Whether an earlier owner may yet finish a write in a file that is there: then it is written anew. */
    readonly mayWake?: boolean;
  };
