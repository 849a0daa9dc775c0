import type { Directory, WritableFolder } from '../storage/types.ts';

/**
 * Where a merge goes. In a folder whose files can be changed in place (OPFS, Node) a merge that was cut off goes on
 * within a file; in one whose files appear whole or not at all, such as a folder the person gave access to, at a file.
 */
export type MergeDestination = WritableFolder & Partial<Pick<Directory, 'edit'>>;
