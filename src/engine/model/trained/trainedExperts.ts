import type { Commands } from '../../gpu/commands.ts';
import { dequantize } from '../../kernels/dequantize.ts';
import type { ParameterBuffers, ParameterLayout } from '../decoder/parameters.ts';
import { expertMatrices, type DecoderSpec, type MatrixSpec } from '../spec/spec.ts';
import type { ExpertMatrix, ExpertWeights } from '../weights/weights.ts';
import { TrainedMatrix } from './trainedMatrix.ts';

const PARAMETERS = ['expertsIn', 'expertsOut'] as const;
type Parameter = (typeof PARAMETERS)[number];

/** The experts of a block among the trainable parameters: of each parameter one matrix, expert after expert. */
export class TrainedExperts {
  readonly #specs: Readonly<Record<Parameter, readonly MatrixSpec[]>>;
  readonly #matrices: Readonly<Record<Parameter, TrainedMatrix>>;
  /** Rows of an expert. */
  readonly #rows: Readonly<Record<Parameter, number>>;

  constructor(spec: DecoderSpec, layer: number, layout: ParameterLayout) {
    const { experts } = spec.experts!;
    const each = <T>(make: (of: Parameter) => T) =>
      Object.fromEntries(PARAMETERS.map((of) => [of, make(of)])) as Record<Parameter, T>;
    this.#specs = each((of) => expertMatrices(spec, layer, of));
    this.#rows = each((of) => this.#specs[of].reduce((sum, { rows }) => sum + rows, 0) / experts);
    this.#matrices = each((of) => {
      const [{ cols }] = this.#specs[of] as [MatrixSpec];
      const unit = this.#rows[of];
      return new TrainedMatrix({ rows: experts * unit, cols }, layout, unit);
    });
  }

  /** In these buffers, parameters or gradients. */
  weights(buffers: ParameterBuffers): ExpertWeights {
    const of = (parameter: Parameter): ExpertMatrix[] => {
      const stride = this.#rows[parameter];
      return this.#matrices[parameter].weight(buffers).chunks.map((chunk) => {
        const sizes = { stride, rows: stride, column: 0 };
        return { chunk, first: chunk.rowStart / stride, count: chunk.rows / stride, ...sizes };
      });
    };
    return { expertsIn: of('expertsIn'), expertsOut: of('expertsOut') };
  }

  /** Begins with the values of frozen ones, in any encoding. */
  copyFrom(commands: Commands, frozen: ExpertWeights, params: ParameterBuffers): void {
    const own = this.weights(params);
    for (const of of PARAMETERS) {
      for (const from of frozen[of]) {
        for (let i = 0; i < from.count; i++) this.#copyExpert(commands, from, i, own[of]);
      }
    }
  }

  #copyExpert(commands: Commands, from: ExpertMatrix, index: number, own: readonly ExpertMatrix[]): void {
    const expert = from.first + index;
    const to = own.find(({ first, count }) => expert >= first && expert < first + count)!;
    const outRow = (expert - to.first) * to.stride + from.column;
    const { chunk, rows, stride } = from;
    dequantize(commands, { chunk, row: index * stride, rows, out: to.chunk.data, outRow });
  }

  /** Each matrix that a checkpoint has of them, and where it begins in the rows of its parameter. */
  *named(): Generator<{ module: string; matrix: TrainedMatrix; start: number; rows: number; cols: number }> {
    for (const of of PARAMETERS) {
      for (const { module, rows, cols, expert } of this.#specs[of]) {
        const start = expert!.expert * this.#rows[of] + expert!.row;
        yield { module, matrix: this.#matrices[of], start, rows, cols };
      }
    }
  }
}
