import { projectName } from '../../store/projectState.ts';
import type { Project } from '../../../hosts/browser/projectsProtocol.ts';
import { t } from '../text/index.ts';

/** What a project is called on the page. */
export function shownName(project: Project): string {
  if (project.example && project.name === '') return t('projects.example');
  return projectName(project) || t('projects.untitled');
}
