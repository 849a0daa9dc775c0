/** How exports are used elsewhere: the commands of model cards, for the page. */
export {
  ggufUsage,
  kindsOfTarget,
  needsGguf,
  usageOf,
  useTargets,
  vllmRefuses,
} from '../../content/hub/usage.ts';
