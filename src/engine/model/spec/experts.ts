import type { Routing } from '../../kernels/routing.ts';
import type { ConfigReader } from './configReader.ts';

/**
 * A mixture of experts: a router chooses some of many small MLPs for each token and weighs what they compute. Experts
 * have no biases.
 */
export interface ExpertsSpec extends Routing {
  /** Intermediate size of each expert. */
  width: number;
  /** Paths within a block: of the router, and of the module whose parameters hold all experts. */
  router: string;
  module: string;
  /**
   * How files store them: gate, up and down of each expert apart, or those of all experts stacked in two tensors, whose
   * paths within a block these are.
   */
  stacked: null | { in: string; out: string };
  /**
   * Whether they were linear layers in transformers 4, gate and up apart: PEFT's "all-linear" then adapts them and the
   * router, but no MLP of the same names in other layers.
   */
  wereLinear: boolean;
}

/** What follows attention in a layer: an MLP of linear layers, experts, or both with the same input. */
export type FeedForward = 'dense' | 'experts' | 'both';

/** Some rows of what an expert of a layer computes with one of its parameters. */
export interface ExpertRows {
  layer: number;
  expert: number;
  /** Of gate and up, or of down. */
  of: 'expertsIn' | 'expertsOut';
  /** The first of them in that parameter's rows of the expert. */
  row: number;
}

/** The keys and defaults by which a family's configs say what experts they have. */
interface ExpertKeys extends Omit<ExpertsSpec, 'experts' | 'top' | 'width'> {
  key: string;
  count: number;
  top: number;
  width: readonly [key: string, fallback: number];
}

/**
 * The experts of a config; null if there are none. Throws `model.config_*`: Graft trains without the loss that balances
 * experts, which transformers adds where `output_router_logits` is on.
 */
export function readExperts(config: ConfigReader, keys: ExpertKeys): ExpertsSpec | null {
  const { key, count, top: fallback, width, ...rest } = keys;
  const experts = config.natural(key, count);
  if (experts === 0) return null;
  if (config.boolean('output_router_logits', false)) throw config.unsupported('output_router_logits', 'true');
  const top = config.integer('num_experts_per_tok', fallback);
  if (top > experts) {
    throw config.invalid('num_experts_per_tok', top, `at most ${key} (${experts})`);
  }
  return { experts, top, width: config.integer(...width), ...rest };
}
