/** The command line, or a file that it names, is wrong: printed as `error: MESSAGE`, exit code 1. */
export class UsageError extends Error {
  /** Whether the flags are at fault, so that the verb's help is worth naming. */
  readonly inFlags: boolean;

  constructor(message: string, { inFlags = false }: { readonly inFlags?: boolean } = {}) {
    super(message);
    this.name = "UsageError";
    this.inFlags = inFlags;
  }
}

/** As kubectl says it: `invalid argument "x" for "--tail" flag: must be a whole number`. */
export function badFlag(flag: string, value: string, problem: string): UsageError {
  return new UsageError(`invalid argument ${JSON.stringify(value)} for "${flag}" flag: ${problem}`, { inFlags: true });
}
