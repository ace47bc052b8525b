import { own } from "#core/json.ts";
import { completionScripts } from "../completion-scripts.ts";
import { UsageError } from "../usage-error.ts";
import type { Verb } from "../verb.ts";

export const completionVerb: Verb = {
  usage: "bash|zsh|fish",
  description: "Print what a shell needs to complete verbs, flags and the names of objects when the tab key is pressed.",
  examples: `
    # In ~/.bashrc, in ~/.zshrc
    source <(podwire completion bash)
    source <(podwire completion zsh)

    # In ~/.config/fish/config.fish
    podwire completion fish | source`,
  flags() {},
  async run({ args, printer }) {
    const [shell] = args;
    if (shell === undefined) throw new UsageError("shell not specified: want bash, zsh or fish", { inFlags: true });
    if (args.length > 1) throw new UsageError("too many arguments: expected only the shell's name", { inFlags: true });
    const script = own(completionScripts, shell);
    if (script === undefined) throw new UsageError(`unsupported shell type ${JSON.stringify(shell)}: want bash, zsh or fish`);
    await printer.print(script);
    return 0;
  },
};
