/** How exports are used elsewhere: the commands of model cards, for the page. */
export {
  ggufTargets,
  ggufUsage,
  kindsOfTarget,
  usageOf,
  useTargets,
  vllmRefuses,
} from '../../content/hub/usage.ts';
