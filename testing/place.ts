/* A cluster as each way of running one gives it. */

export interface Place {
  readonly runsAs: "embedded" | "containers";
  /** Flags of the CLI that lead to it. */
  readonly flags: readonly string[];
  end(): Promise<void>;
}

export interface PlaceOptions {
  readonly nodes: number;
}
