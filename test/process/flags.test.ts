import { deepEqual, equal, throws } from "node:assert/strict";
import { helpText, readFlags } from "#process/flags.ts";

const flags = {
  server: { value: "host:port", description: "where to dial", required: true },
  "log-level": { value: "level", description: "how much to log", fallback: "info" },
  token: { value: "file", description: "a secret's file" },
} as const;

describe("a daemon's flags", () => {
  const cases: readonly {
    readonly sentence: string;
    readonly argv: string[];
    readonly env: Record<string, string>;
    readonly want: object;
  }[] = [
    {
      sentence: "come from the command line",
      argv: ["--server", "a:1", "--log-level=debug"],
      env: {},
      want: { server: "a:1", "log-level": "debug", token: undefined },
    },
    {
      sentence: "come from variables",
      argv: [],
      env: { PODWIRE_SERVER: "b:2", PODWIRE_LOG_LEVEL: "warn", PODWIRE_TOKEN: "t" },
      want: { server: "b:2", "log-level": "warn", token: "t" },
    },
    {
      sentence: "outrank their variables",
      argv: ["--server", "a:1"],
      env: { PODWIRE_SERVER: "b:2" },
      want: { server: "a:1", "log-level": "info", token: undefined },
    },
    {
      sentence: "take an empty variable for none",
      argv: ["--server", "a:1"],
      env: { PODWIRE_LOG_LEVEL: "" },
      want: { server: "a:1", "log-level": "info", token: undefined },
    },
  ];
  for (const { sentence, argv, env, want } of cases) it(sentence, () => deepEqual({ ...readFlags(flags, { argv, env }) }, want));

  const refusals: readonly { readonly argv: string[]; readonly message: RegExp }[] = [
    { argv: [], message: /^--server is missing: give it, or set PODWIRE_SERVER$/ },
    { argv: ["--sever", "x"], message: /^unknown flag: --sever; did you mean --server\?$/ },
    { argv: ["--elephant", "x"], message: /^unknown flag: --elephant$/ },
    { argv: ["--server"], message: /--server/ },
    { argv: ["--server", "a:1", "stray"], message: /stray/ },
  ];
  for (const { argv, message } of refusals) {
    it(`refuse ${JSON.stringify(argv)}`, () => throws(() => readFlags(flags, { argv, env: {} }), { kind: "invalid", message }));
  }

  it("are shown with their fallbacks and variables", () => {
    equal(
      helpText("thing: does things.", flags),
      [
        "thing: does things.",
        "",
        "  --server <host:port>  where to dial; PODWIRE_SERVER",
        "  --log-level <level>   how much to log (info); PODWIRE_LOG_LEVEL",
        "  --token <file>        a secret's file; PODWIRE_TOKEN",
        "",
      ].join("\n"),
    );
  });
});
