/* Flags as agnhost's are written: `--port 80`, `--port=80`, `--udp`, `--http=false`. */

export interface Flags {
  /** With the defaults where nothing was said. */
  readonly values: Readonly<Record<string, string>>;
  readonly others: readonly string[];
}

/** A default of "true" or "false" makes a flag that needs no value. Throws where a flag is unknown or lacks its value. */
export function readFlags(args: readonly string[], defaults: Readonly<Record<string, string>>): Flags {
  const values: Record<string, string> = { ...defaults };
  const others: string[] = [];
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [, name, given] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (name === undefined) others.push(word);
    else if (!Object.hasOwn(defaults, name)) throw new Error(`unknown flag: --${name}`);
    else values[name] = given ?? (isSwitch(defaults[name]) ? "true" : valueAfter(name, rest));
  }
  return { values, others };
}

function isSwitch(value: string | undefined): boolean {
  return value === "true" || value === "false";
}

function valueAfter(name: string, rest: string[]): string {
  const value = rest.shift();
  if (value === undefined) throw new Error(`flag needs an argument: --${name}`);
  return value;
}

/** A port; undefined for -1, which means none. */
export function readPort(text: string | undefined): number | undefined {
  const port = Number(text);
  if (!Number.isInteger(port) || port < -1 || port > 65_535) throw new Error(`"${text}" is no port`);
  return port === -1 ? undefined : port;
}
