import type { StreamInput, StreamOutput } from "#proto/podwire/v1/streams.ts";

/** One exec, log or port-forward stream, served. */
export interface ServedStream {
  /** Ends with an exit or error frame. */
  readonly output: AsyncIterable<StreamOutput>;
  /** Resolves when there is room for more. */
  accept(input: StreamInput): Promise<void>;
  /** The other side is done or gone. */
  close(): void;
}
